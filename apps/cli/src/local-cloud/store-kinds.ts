/** The kinds of servers that a local cloud can keep its state on; in a file of its own, as naming them must load nothing. */

export const STORE_KINDS = ['redis', 'etcd', 'postgresql', 'mariadb'] as const
export type StoreKind = (typeof STORE_KINDS)[number]
