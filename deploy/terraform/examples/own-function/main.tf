variable "account_layer_attached" {
  description = "Whether the pool calls the account layer. False in the first apply, and again to leave."
  type        = bool
  default     = false
}

variable "google_client_id" {
  type = string
}

variable "google_client_secret" {
  type      = string
  sensitive = true
}

variable "welcome_role_arn" {
  type = string
}

resource "aws_cognito_user_pool" "customers" {
  name                     = "customers"
  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]
  tags                     = { ManagedBy = "Terraform" }

  username_configuration {
    case_sensitive = false
  }

  # The old address stays until the new one is proven.
  user_attribute_update_settings {
    attributes_require_verification_before_update = ["email"]
  }

  # post_confirmation called welcome before, and calls it again when the account layer is detached.
  lambda_config {
    pre_sign_up       = var.account_layer_attached ? module.account_layer.lambda_config.pre_sign_up : null
    post_confirmation = var.account_layer_attached ? module.account_layer.lambda_config.post_confirmation : aws_lambda_function.welcome.arn
  }
}

resource "aws_cognito_identity_provider" "google" {
  user_pool_id  = aws_cognito_user_pool.customers.id
  provider_name = "Google"
  provider_type = "Google"

  provider_details = {
    client_id        = var.google_client_id
    client_secret    = var.google_client_secret
    authorize_scopes = "openid email profile"
  }

  # Without email_verified, no address of Google is proven.
  attribute_mapping = {
    username       = "sub"
    email          = "email"
    email_verified = "email_verified"
  }
}

resource "aws_lambda_function" "welcome" {
  function_name = "welcome"
  role          = var.welcome_role_arn
  runtime       = "nodejs22.x"
  handler       = "index.handler"
  filename      = "welcome.zip"
  timeout       = 3
}

# Stays while the account layer is attached: the way back needs it.
resource "aws_lambda_permission" "welcome" {
  statement_id  = "user-pool"
  function_name = aws_lambda_function.welcome.function_name
  action        = "lambda:InvokeFunction"
  principal     = "cognito-idp.amazonaws.com"
  source_arn    = aws_cognito_user_pool.customers.arn
}

module "account_layer" {
  source = "../.."

  name         = "customers"
  user_pool_id = aws_cognito_user_pool.customers.id
  functions    = ["pre-sign-up", "post-confirmation"]
  packages     = { path = "../../../../dist" }
  architecture = "x86_64"

  settings = {
    PROVIDERS           = "Google:claim"
    NATIVE_USERNAME     = "email"
    POOL_CASE_SENSITIVE = "false"

    # So that Cognito calls welcome for newcomers from Google as before: docs/NEXT_FUNCTION.md.
    NATIVE_PROFILE = "skip"
    NATIVE_SIGN_UP = "unique"
  }

  # Names of functions have hyphens here, also without quotes. lambda_config has underscores.
  next_functions = {
    post-confirmation = { arn = aws_lambda_function.welcome.arn }
  }
}

output "user_pool_id" {
  value = aws_cognito_user_pool.customers.id
}

output "function_arns" {
  value = module.account_layer.function_arns
}
