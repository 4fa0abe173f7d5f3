/** What clients may say of a network. */

import { Type } from 'typebox'
import { Description, Empty, Name, ownerProperties } from '../resource/schemas.ts'

/** RFC 791: every host must take 576 bytes. The largest fits a jumbo frame of 9000 with VXLAN's 50 around it. */
const Mtu = Type.Integer({ minimum: 576, maximum: 8950 })

const properties = {
  name: Type.Optional(Name),
  description: Type.Optional(Description),
  admin_state_up: Type.Optional(Type.Boolean()),
  shared: Type.Optional(Type.Boolean()),
  'router:external': Type.Optional(Type.Boolean()),
  mtu: Type.Optional(Mtu),
  port_security_enabled: Type.Optional(Type.Boolean()),
}

export const CreateNetwork = Type.Object({
  ...properties,
  ...ownerProperties,
  availability_zone_hints: Type.Optional(Empty),
})

export const UpdateNetwork = Type.Object(properties)
