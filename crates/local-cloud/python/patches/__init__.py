"""The changes that make MiniStack's Cognito behave like Amazon Cognito."""

from . import addresses, operations, pool_settings, sign_in

PATCHES = operations.PATCHES + sign_in.PATCHES + addresses.PATCHES + pool_settings.PATCHES
