/** The lab: sites in network namespaces with a WAN between them, and the guest that runs on them. */

export * from './ensure-packages.ts'
export * from './errors.ts'
export {
  buildGuestImage,
  type GuestImage,
  type GuestImageOptions,
  guestImagePackages,
} from './guest-image/build-guest-image.ts'
