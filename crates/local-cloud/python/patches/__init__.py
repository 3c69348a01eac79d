"""What is changed in MiniStack's Cognito so that it behaves as Amazon Cognito does."""

from . import addresses, operations, pool_settings, sign_in

PATCHES = operations.PATCHES + sign_in.PATCHES + addresses.PATCHES + pool_settings.PATCHES
