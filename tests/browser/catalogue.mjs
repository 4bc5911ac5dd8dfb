// What is registered at a server of this run beside the demo's own: services whose names are hard to show, and people to log in as.

/** Never more than a test's. */
export const SECRET = 'browser-secret-never-in-production'

/** By client: the name that people see. The longest that can be registered has 100 characters; what steers text cannot be. */
const NAMES = {
  'home-web': 'Service with pages',
  // Its logins grow old at a touch: no other scene may stand on them.
  'late-web': 'Late service',
  'long-web': `Donaudampfschifffahrtsgesellschaft${'skaptein'.repeat(8)}en`,
  'markup-web': '<b>Bold</b> <script>alert(1)</script> & "quoted" \'name\' &lt;i&gt; {name} {{ 7 * 7 }}',
  'rtl-web': 'خدمة العنوان (שירות) 123 Demo!',
}

/** The clients of [`catalogue`]. */
export const CLIENTS = Object.keys(NAMES)

const PERSONS = ['21879498012', '20914695016', '28816196088', '05895894984', '28876895937', '10850199405', '45840375084', '47906701517']

/** Web services with a secret, whose answers arrive at `redirectUri`: they have pages that one is led back to. */
export function catalogue({ issuers, redirectUri }) {
  const clients = Object.entries(NAMES).map(([id, name]) => `[[clients]]
client_id = ${JSON.stringify(id)}
client_secret = ${JSON.stringify(SECRET)}
client_orgno = "991825827"
display_name = ${JSON.stringify(name)}
redirect_uris = [${JSON.stringify(redirectUri)}]
scopes = ["openid", "profile"]
`)
  return `issuer = ${JSON.stringify(issuers)}

[[organisations]]
orgno = "991825827"
name = "Portvakt Demo"
terms = { version = "demo", accepted_at = "2016-12-01T12:00:00Z", accepted_by = "the browser's tests" }

${clients.join('\n')}`
}

/** Everyone there is to log in as. */
export const persons = () => PERSONS.map((pid) => `[[test_persons]]\npool = "demo"\npid = "${pid}"\n`).join('\n')
