/** What clients may say of a subnet. Addresses are read by the app, whose refusals have Neutron's words. */

import { Type } from 'typebox'
import { Description, Empty, Name, ownerProperties, Uuid } from '../resource/schemas.ts'

const Address = Type.String({ maxLength: 64 })
const POOLS_MAX = 32
/** Longer lists are refused by number, as Neutron does; this only bounds what is read before. */
const ITEMS_MAX = 1000

const properties = {
  name: Type.Optional(Name),
  description: Type.Optional(Description),
  gateway_ip: Type.Optional(Type.Union([Address, Type.Null()])),
  enable_dhcp: Type.Optional(Type.Boolean()),
  dns_nameservers: Type.Optional(Type.Array(Address, { maxItems: ITEMS_MAX })),
  host_routes: Type.Optional(
    Type.Array(Type.Object({ destination: Address, nexthop: Address }, { additionalProperties: false }), {
      maxItems: ITEMS_MAX,
    }),
  ),
}

export const CreateSubnet = Type.Object({
  ...properties,
  ...ownerProperties,
  network_id: Uuid,
  ip_version: Type.Optional(Type.Integer()),
  cidr: Address,
  allocation_pools: Type.Optional(
    Type.Array(Type.Object({ start: Address, end: Address }, { additionalProperties: false }), {
      maxItems: POOLS_MAX,
    }),
  ),
  subnetpool_id: Type.Optional(Type.Null()),
  service_types: Type.Optional(Empty),
})

export const UpdateSubnet = Type.Object(properties)
