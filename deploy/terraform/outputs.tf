locals {
  arn = { for name in ["pre-sign-up", "post-confirmation", "post-authentication", "inbound-federation", "custom-message"] : name => try(aws_lambda_function.function[name].arn, null) }
}

output "function_arns" {
  description = "The functions' ARNs, by name."
  value       = { for name, function in aws_lambda_function.function : name => function.arn }
}

output "lambda_config" {
  description = "For the lambda_config block of your aws_cognito_user_pool. A function that is not deployed is null."
  value = {
    pre_sign_up         = local.arn["pre-sign-up"]
    post_confirmation   = local.arn["post-confirmation"]
    post_authentication = local.arn["post-authentication"]
    custom_message      = local.arn["custom-message"]
    inbound_federation = local.arn["inbound-federation"] == null ? null : {
      lambda_arn     = local.arn["inbound-federation"]
      lambda_version = "V1_0"
    }
  }
}
