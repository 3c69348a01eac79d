# The functions of the account layer for a user pool that this configuration, or somebody else, owns. The pool itself is
# not touched: put the output `lambda_config` into your own aws_cognito_user_pool.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

module "plan" {
  source         = "./plan"
  functions      = var.functions
  settings       = var.settings
  next_functions = var.next_functions
}

locals {
  functions = module.plan.functions
  calling   = { for name, function in local.functions : name => function if length(function.actions) > 0 }
  retries   = module.plan.retries
  # Without a reference to the pool's own ARN: only rights and permissions wait for the pool, and the pool waits for
  # the functions, so nothing goes in a circle.
  user_pools    = "arn:${data.aws_partition.current.partition}:cognito-idp:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:userpool"
  user_pool_arn = "${local.user_pools}/${var.user_pool_id}"
  # One permission for each function and pool. The key is known before the pools are.
  more = merge([for name in keys(local.functions) : { for tenant, id in var.more_user_pools : "${name}/${tenant}" => { function = name, tenant = tenant, pool = id } }]...)
}

resource "aws_cloudwatch_log_group" "function" {
  for_each          = local.functions
  name              = "/aws/lambda/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "function" {
  for_each = local.functions
  name     = "${var.name}-${each.key}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "logs" {
  for_each = local.functions
  name     = "write-logs"
  role     = aws_iam_role.function[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.function[each.key].arn}:*"
    }]
  })
}

# Exactly the calls that the function makes with these settings, on exactly these pools.
resource "aws_iam_role_policy" "pool" {
  for_each = local.calling
  name     = "user-pool"
  role     = aws_iam_role.function[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [merge(
      {
        Effect   = "Allow"
        Action   = each.value.actions
        Resource = concat([local.user_pool_arn], [for id in values(var.more_user_pools) : "${local.user_pools}/${id}"])
      },
      var.only_tagged_pools ? { Condition = { StringEquals = { "aws:ResourceTag/account-triggers" = var.name } } } : {}
    )]
  })
}

# The function that this one calls, and no other.
resource "aws_iam_role_policy" "next" {
  for_each = var.next_functions
  name     = "next-function"
  role     = aws_iam_role.function[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = each.value.arn
    }]
  })
}

# The bus that pre-sign-up tells of links.
resource "aws_iam_role_policy" "event_bus" {
  count = length(module.plan.event_bus)
  name  = "event-bus"
  role  = aws_iam_role.function["pre-sign-up"].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "events:PutEvents"
      Resource = "arn:${data.aws_partition.current.partition}:events:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:event-bus/${module.plan.event_bus[0]}"
    }]
  })
}

resource "aws_lambda_function" "function" {
  for_each      = local.functions
  function_name = "${var.name}-${each.key}"
  description   = each.value.description
  role          = aws_iam_role.function[each.key].arn
  runtime       = each.value.runtime
  handler       = each.value.handler
  architectures = [var.architecture]
  memory_size   = var.memory_mb
  # Cognito gives up after five seconds, whatever stands here, and calls again.
  timeout = each.value.timeout_seconds
  layers  = lookup(var.layers, each.key, [])

  filename         = var.packages.path == null ? null : "${var.packages.path}/${each.key}-${var.architecture}.zip"
  source_code_hash = var.packages.path == null ? null : filebase64sha256("${var.packages.path}/${each.key}-${var.architecture}.zip")
  s3_bucket        = var.packages.bucket
  s3_key           = var.packages.bucket == null ? null : "${var.packages.prefix}${each.key}-${var.architecture}.zip"

  environment {
    variables = merge(contains(["pre-sign-up", "post-confirmation"], each.key) && local.retries ? { RETRY_QUEUE_URL = aws_sqs_queue.retries[0].url } : {}, each.value.environment)
  }

  logging_config {
    log_group             = aws_cloudwatch_log_group.function[each.key].name
    log_format            = "JSON"
    application_log_level = var.log_level
  }
}

resource "aws_lambda_permission" "cognito" {
  for_each       = local.functions
  statement_id   = "user-pool"
  function_name  = aws_lambda_function.function[each.key].function_name
  action         = "lambda:InvokeFunction"
  principal      = "cognito-idp.amazonaws.com"
  source_account = data.aws_caller_identity.current.account_id
  source_arn     = local.user_pool_arn
}

resource "aws_lambda_permission" "more" {
  for_each       = local.more
  statement_id   = "user-pool-${each.value.tenant}"
  function_name  = aws_lambda_function.function[each.value.function].function_name
  action         = "lambda:InvokeFunction"
  principal      = "cognito-idp.amazonaws.com"
  source_account = data.aws_caller_identity.current.account_id
  source_arn     = "${local.user_pools}/${each.value.pool}"
}

# Memberships of the default group that Cognito could not write. The queue hands each to the function every five
# minutes, for two weeks, until Cognito takes it.
resource "aws_sqs_queue" "retries" {
  count                      = local.retries ? 1 : 0
  name                       = "${var.name}-retries"
  delay_seconds              = 30
  visibility_timeout_seconds = 300
  message_retention_seconds  = 1209600
  # The messages hold user names.
  sqs_managed_sse_enabled = true
}

# Pre-sign-up lets memberships wait when many people come at once, and post-confirmation writes them.
resource "aws_iam_role_policy" "retries" {
  for_each = toset(local.retries ? [for name in ["post-confirmation", "pre-sign-up"] : name if contains(keys(local.functions), name)] : [])
  name     = "retry"
  role     = aws_iam_role.function[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = module.plan.retry_actions[each.key]
      Resource = aws_sqs_queue.retries[0].arn
    }]
  })
}

resource "aws_lambda_event_source_mapping" "retries" {
  count            = local.retries ? 1 : 0
  event_source_arn = aws_sqs_queue.retries[0].arn
  function_name    = aws_lambda_function.function["post-confirmation"].arn
  # One failure must not bring back what was written.
  batch_size = 1
  # A full queue must not use up Cognito's quota, which people who sign in need.
  scaling_config {
    maximum_concurrency = 2
  }
  depends_on = [aws_iam_role_policy.retries]
}
