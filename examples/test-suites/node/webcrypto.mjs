// Node 18, which Debian 12 has, keeps the Web Crypto API behind an import; openid-client expects it to be global, as it is
// from Node 20 on. With that you need no such file. Imported first, since modules run in the order of their imports.

import { webcrypto } from 'node:crypto'

globalThis.crypto ??= webcrypto
globalThis.CryptoKey ??= webcrypto.CryptoKey
