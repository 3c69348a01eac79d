import { defineBackend } from '@aws-amplify/backend';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { AccountLayer } from 'cognito-account-layer';
import { auth } from './auth/resource';

const backend = defineBackend({ auth });
const { userPool, cfnResources } = backend.auth.resources;

// The old address stays until the new one is proven.
cfnResources.cfnUserPool.userAttributeUpdateSettings = { attributesRequireVerificationBeforeUpdate: ['email'] };

// In the stack of the pool. The functions' rights are policies of their own, so nothing waits in a circle.
new AccountLayer(backend.auth.stack, 'AccountLayer', {
  userPool,
  packages: 'account-layer',
  architecture: Architecture.X86_64, // as the zip files were built
  settings: { PROVIDERS: 'Google:claim' },
});
