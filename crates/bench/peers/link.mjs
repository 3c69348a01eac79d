/*
 * A pre sign-up trigger as articles show it, for `cargo xtask bench --peer`. It shows what Lambda's Node runtime and the
 * AWS SDK for JavaScript cost. It calls the Lambda Runtime API itself, as Lambda's own bootstrap does. Measure it as
 * one bundle:
 *
 *     mkdir -p .local/peers && npm install --prefix .local/peers @aws-sdk/client-cognito-identity-provider esbuild
 *     NODE_PATH=.local/peers/node_modules .local/peers/node_modules/.bin/esbuild crates/bench/peers/link.mjs \
 *       --bundle --minify --platform=node --outfile=.local/peers/link.cjs
 *     cargo xtask bench --peer "node=node .local/peers/link.cjs"
 *
 * Measure it, but do not use it: it trusts every address, and it cannot handle two invocations at once.
 */

import { randomBytes } from "node:crypto";
import { Agent, request } from "node:http";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminLinkProviderForUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  ListUsersCommand,
} from "@aws-sdk/client-cognito-identity-provider";

const client = new CognitoIdentityProviderClient({});
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** Links the newcomer to the account with the same address, or to a new one. */
async function handle(event) {
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

/** Calls the runtime API and returns the headers and the text of its answer. */
function ask(method, path, body) {
  return new Promise((resolve, reject) => {
    const question = request({ host, port, method, path: `/2018-06-01/runtime/invocation/${path}`, agent }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part) => (text += part));
      answer.on("end", () => resolve({ headers: answer.headers, text }));
    });
    question.on("error", reject);
    question.end(body);
  });
}

/** Asks for events and answers them until the process is ended. */
async function main() {
  for (;;) {
    const { headers, text } = await ask("GET", "next");
    const id = headers["lambda-runtime-aws-request-id"];
    try {
      await ask("POST", `${id}/response`, JSON.stringify(await handle(JSON.parse(text))));
    } catch (error) {
      // The runtime API takes a name and a message.
      await ask("POST", `${id}/error`, JSON.stringify({ errorType: error.name, errorMessage: error.message }));
    }
  }
}

main();
