// The certified provider as the tests want it: one client that must use PKCE, and whoever signs in is Ada.
import Provider from "oidc-provider";

const { ISSUER, PORTAL } = process.env;

const provider = new Provider(ISSUER, {
  clients: [
    {
      client_id: "portal",
      client_secret: "portal-secret",
      redirect_uris: [`${PORTAL}/sso/callback/`],
      post_logout_redirect_uris: [`${PORTAL}/signed-out/`],
      backchannel_logout_uri: `${PORTAL}/sso/back-channel-logout/`,
      backchannel_logout_session_required: true,
    },
  ],
  claims: { email: ["email"], profile: ["name", "groups"] },
  findAccount: (context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: "Ada Novak", email: "ada@example.com", groups: ["dcs-all"] }),
  }),
  pkce: { required: () => true },
  features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: true } },
  // Its own fetch calls no loopback address, where the portal under test is.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  cookies: { keys: ["only for tests"] },
});

provider.on("backchannel.error", (context, error) => console.error(`back-channel logout: ${error.message} ${error.cause ?? ""}`));
provider.listen(Number(new URL(ISSUER).port), "127.0.0.1", () => console.log("listening"));
