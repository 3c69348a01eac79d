terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.32"
    }
  }
}

variable "region" {
  type    = string
  default = "eu-central-1"
}

variable "domain_prefix" {
  description = "Of the sign-in pages' address, unique in the Region."
  type        = string
}

variable "google_client_id" {
  type = string
}

variable "google_client_secret" {
  type      = string
  sensitive = true
}

provider "aws" {
  region = var.region
}

resource "aws_cognito_user_pool" "main" {
  name                     = "my-product"
  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]
  deletion_protection      = "ACTIVE"
  tags                     = { ManagedBy = "Terraform" }

  username_configuration {
    case_sensitive = false
  }

  # The old address stays until the new one is proven.
  user_attribute_update_settings {
    attributes_require_verification_before_update = ["email"]
  }

  lambda_config {
    pre_sign_up         = module.account_layer.lambda_config.pre_sign_up
    post_confirmation   = module.account_layer.lambda_config.post_confirmation
    post_authentication = module.account_layer.lambda_config.post_authentication
  }
}

resource "aws_cognito_user_pool_domain" "main" {
  user_pool_id = aws_cognito_user_pool.main.id
  domain       = var.domain_prefix
}

resource "aws_cognito_identity_provider" "google" {
  user_pool_id  = aws_cognito_user_pool.main.id
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

resource "aws_cognito_user_pool_client" "app" {
  user_pool_id                         = aws_cognito_user_pool.main.id
  name                                 = "app"
  supported_identity_providers         = ["COGNITO", aws_cognito_identity_provider.google.provider_name]
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["code"]
  allowed_oauth_scopes                 = ["openid", "email", "profile"]
  callback_urls                        = ["http://localhost:3000/"]
}

module "account_layer" {
  source = "../.."

  name         = "my-product"
  user_pool_id = aws_cognito_user_pool.main.id
  packages     = { path = "../../../../dist" }
  architecture = "x86_64"

  settings = {
    PROVIDERS           = "Google:claim"
    NATIVE_USERNAME     = "email"
    POOL_CASE_SENSITIVE = "false"
  }
}

locals {
  pages = "https://${aws_cognito_user_pool_domain.main.domain}.auth.${var.region}.amazoncognito.com"
}

output "redirect_uri" {
  description = "For Google's list of authorized redirect URIs."
  value       = "${local.pages}/oauth2/idpresponse"
}

output "sign_in_url" {
  value = "${local.pages}/login?client_id=${aws_cognito_user_pool_client.app.id}&response_type=code&scope=openid+email+profile&redirect_uri=http://localhost:3000/"
}

output "user_pool_id" {
  value = aws_cognito_user_pool.main.id
}

output "function_arns" {
  value = module.account_layer.function_arns
}
