/** What clients may say of a port. */

import { Type } from 'typebox'
import { Description, Empty, Name, ownerProperties, Uuid } from '../resource/schemas.ts'

const FIXED_IPS_MAX = 32

const FixedIpRequest = Type.Object(
  { subnet_id: Type.Optional(Uuid), ip_address: Type.Optional(Type.String({ maxLength: 64 })) },
  { additionalProperties: false },
)

const properties = {
  name: Type.Optional(Name),
  description: Type.Optional(Description),
  admin_state_up: Type.Optional(Type.Boolean()),
  fixed_ips: Type.Optional(Type.Array(FixedIpRequest, { maxItems: FIXED_IPS_MAX })),
  device_id: Type.Optional(Type.String({ maxLength: 255 })),
  device_owner: Type.Optional(Type.String({ maxLength: 255 })),
  port_security_enabled: Type.Optional(Type.Boolean()),
  'binding:host_id': Type.Optional(Type.String({ maxLength: 255 })),
  'binding:vnic_type': Type.Optional(Type.Literal('normal')),
  'binding:profile': Type.Optional(Type.Object({}, { maxProperties: 0 })),
  security_groups: Type.Optional(Empty),
  allowed_address_pairs: Type.Optional(Empty),
  extra_dhcp_opts: Type.Optional(Empty),
}

/** One station's address: the lowest bit of the first octet, which marks a group, is clear. */
const MacAddress = Type.String({ pattern: '^[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}$' })

export const CreatePort = Type.Object({
  ...properties,
  ...ownerProperties,
  network_id: Uuid,
  mac_address: Type.Optional(MacAddress),
})

export const UpdatePort = Type.Object(properties)
