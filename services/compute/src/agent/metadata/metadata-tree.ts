/**
 * What a guest reads about itself, as files: the OpenStack tree and the EC2 one, served at 169.254.169.254 and written
 * on the config drive (https://docs.openstack.org/nova/latest/user/metadata.html).
 */

import type { GuestPort } from '../host-drivers.ts'
import type { Server } from '../plan-server.ts'
import { ec2MetaData, publicKeysOf } from './ec2-meta-data.ts'
import { metaData } from './meta-data.ts'
import { networkData } from './network-data.ts'

/** Versions of the OpenStack tree: those that cloud-init and others look for. All hold the same files. */
export const OPENSTACK_VERSIONS = [
  '2012-08-10',
  '2013-04-04',
  '2013-10-17',
  '2015-10-15',
  '2016-06-30',
  '2016-10-06',
  '2017-02-22',
  '2018-08-27',
  'latest',
] as const

export const EC2_VERSIONS = ['2009-04-04', 'latest'] as const

/** Contents by path, without a slash at either end. What is no file, and stands before one, is a directory. */
export type MetadataFiles = ReadonlyMap<string, Buffer>

export interface MetadataTree {
  readonly files: MetadataFiles
  /** How a directory is called where its parent is listed, when that is not its name with a slash. */
  readonly labels: ReadonlyMap<string, string>
}

/** What the metadata service serves. */
export function metadataTree(server: Server, ports: readonly GuestPort[]): MetadataTree {
  const files = new Map(openstackFiles(server, ports))
  const labels = new Map<string, string>()
  const leaves = leavesOf(ec2MetaData(server, ports))
  const userData = userDataOf(server)
  for (const version of EC2_VERSIONS) {
    for (const [path, text] of leaves) files.set(`${version}/meta-data/${path}`, Buffer.from(text))
    if (userData) files.set(`${version}/user-data`, userData)
    for (const [index, { name }] of publicKeysOf(server).entries()) {
      labels.set(`${version}/meta-data/public-keys/${index}`, `${index}=${name}`)
    }
  }
  return { files, labels }
}

/** What stands on the config drive: there, the EC2 tree is a document below `ec2`. */
export function configDriveFiles(server: Server, ports: readonly GuestPort[]): MetadataFiles {
  const files = new Map(openstackFiles(server, ports))
  const ec2 = jsonFile(ec2MetaData(server, ports))
  const userData = userDataOf(server)
  for (const version of EC2_VERSIONS) {
    files.set(`ec2/${version}/meta-data.json`, ec2)
    if (userData) files.set(`ec2/${version}/user-data`, userData)
  }
  return files
}

function* openstackFiles(server: Server, ports: readonly GuestPort[]): Generator<[string, Buffer]> {
  const userData = userDataOf(server)
  const files: [string, Buffer][] = [
    ['meta_data.json', jsonFile(metaData(server, ports))],
    ['network_data.json', jsonFile(networkData(ports))],
    ['vendor_data.json', jsonFile({})],
    ['vendor_data2.json', jsonFile({})],
    ...(userData ? [['user_data', userData] satisfies [string, Buffer]] : []),
  ]
  for (const version of OPENSTACK_VERSIONS) {
    for (const [name, content] of files) yield [`openstack/${version}/${name}`, content]
  }
}

/** Byte for byte what the owner gave, who may have given anything. */
function userDataOf({ user_data }: Server): Buffer | undefined {
  return user_data === null ? undefined : Buffer.from(user_data, 'base64')
}

function jsonFile(value: object): Buffer {
  return Buffer.from(JSON.stringify(value))
}

type Branch = { readonly [name: string]: string | Branch }

function leavesOf(branch: Branch, prefix = ''): [path: string, text: string][] {
  return Object.entries(branch).flatMap(([name, value]) =>
    typeof value === 'string' ? [[prefix + name, value]] : leavesOf(value, `${prefix}${name}/`),
  )
}
