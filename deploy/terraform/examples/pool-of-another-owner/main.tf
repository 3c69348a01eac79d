variable "user_pool_id" {
  description = "A pool that was made by hand or by another tool."
  type        = string
}

provider "aws" {
  region = split("_", var.user_pool_id)[0]
}

module "account_layer" {
  source = "../.."

  name         = "my-product"
  user_pool_id = var.user_pool_id
  functions    = ["pre-sign-up", "post-confirmation", "post-authentication", "inbound-federation"]
  packages     = { path = "../../../../dist" }
  architecture = "x86_64"

  # What the pool is: docs/SETTINGS.md, "Kinds of pools".
  settings = {
    PROVIDERS           = "Google:claim"
    NATIVE_USERNAME     = "email"
    POOL_CASE_SENSITIVE = "true"
  }
}

output "function_arns" {
  value = module.account_layer.function_arns
}
