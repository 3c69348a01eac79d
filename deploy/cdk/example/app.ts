// A new pool with the account layer: `npm ci && npm run synth`, or `npx cdk deploy`.
import { App, CfnOutput, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccountRecovery, UserPool } from 'aws-cdk-lib/aws-cognito';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { AccountLayer } from '../src';

const app = new App();
const stack = new Stack(app, 'AccountLayerExample');

const userPool = new UserPool(stack, 'UserPool', {
  selfSignUpEnabled: true,
  signInAliases: { email: true },
  signInCaseSensitive: false,
  autoVerify: { email: true },
  // The old address stays until the new one is proven.
  keepOriginal: { email: true },
  accountRecovery: AccountRecovery.EMAIL_ONLY,
  removalPolicy: RemovalPolicy.RETAIN,
});

new AccountLayer(stack, 'AccountLayer', {
  userPool,
  packages: process.env.PACKAGES ?? '../../dist',
  architecture: process.env.ARCHITECTURE === 'x86_64' ? Architecture.X86_64 : Architecture.ARM_64,
  settings: { PROVIDERS: 'Google:claim', DEFAULT_GROUP: 'members' },
});

new CfnOutput(stack, 'UserPoolId', { value: userPool.userPoolId });
userPool.addGroup('Members', { groupName: 'members' });
