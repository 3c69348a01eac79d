resource "aws_cloudwatch_log_metric_filter" "refusals" {
  count          = module.plan.faults.has_refusals ? 1 : 0
  name           = "refusals"
  log_group_name = aws_cloudwatch_log_group.function["pre-sign-up"].name
  pattern        = "{ $.message = \"refused\" }"

  metric_transformation {
    namespace     = var.name
    name          = "Refusals"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_log_metric_filter" "failures" {
  for_each       = module.plan.faults.logs_failures
  name           = "failures"
  log_group_name = aws_cloudwatch_log_group.function[each.key].name
  pattern        = "{ $.level = \"ERROR\" }"

  metric_transformation {
    namespace     = var.name
    name          = "Failures"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_metric_alarm" "faults" {
  alarm_name          = "${var.name}-faults"
  alarm_description   = "A function failed, so somebody could not sign in or did not get everything they should have."
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns

  metric_query {
    id          = "faults"
    expression  = module.plan.faults.expression
    label       = "Faults"
    return_data = true
  }

  # Errors as Lambda counts them: a function that ran out of time or ended logs nothing itself.
  dynamic "metric_query" {
    for_each = module.plan.faults.errors
    content {
      id = metric_query.key
      metric {
        namespace   = "AWS/Lambda"
        metric_name = "Errors"
        dimensions  = { FunctionName = aws_lambda_function.function[metric_query.value].function_name }
        stat        = "Sum"
        period      = 300
      }
    }
  }

  dynamic "metric_query" {
    for_each = merge(length(module.plan.faults.logs_failures) > 0 ? { failures = "Failures" } : {}, module.plan.faults.has_refusals ? { refusals = "Refusals" } : {})
    content {
      id = metric_query.key
      metric {
        namespace   = var.name
        metric_name = metric_query.value
        stat        = "Sum"
        period      = 300
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "refusals" {
  count               = module.plan.faults.has_refusals ? 1 : 0
  alarm_name          = "${var.name}-refusals"
  alarm_description   = "Many sign-ins are refused. Either a provider is misconfigured or somebody is trying addresses."
  namespace           = var.name
  metric_name         = "Refusals"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.refusals_per_five_minutes
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

resource "aws_cloudwatch_metric_alarm" "throttles" {
  for_each            = local.functions
  alarm_name          = "${var.name}-${each.key}-throttles"
  alarm_description   = "Lambda turned calls away, so people cannot sign in. Raise the account's concurrency limit."
  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  dimensions          = { FunctionName = aws_lambda_function.function[each.key].function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

resource "aws_cloudwatch_metric_alarm" "slow" {
  for_each            = local.functions
  alarm_name          = "${var.name}-${each.key}-slow"
  alarm_description   = "The function comes close to the five seconds that Cognito waits. Give it more memory."
  namespace           = "AWS/Lambda"
  metric_name         = "Duration"
  dimensions          = { FunctionName = aws_lambda_function.function[each.key].function_name }
  extended_statistic  = "p99"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = 4000
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

resource "aws_cloudwatch_metric_alarm" "retries" {
  count               = local.retries ? 1 : 0
  alarm_name          = "${var.name}-retries"
  alarm_description   = "Cognito has refused a membership of the default group for a quarter of an hour. Does the group exist?"
  evaluation_periods  = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns

  # The age of the oldest message says nothing here: SQS leaves out messages that were received three times.
  metric_query {
    id          = "kept"
    expression  = "SUM(METRICS())"
    label       = "Memberships that wait"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { waiting = "ApproximateNumberOfMessagesVisible", tried = "ApproximateNumberOfMessagesNotVisible" }
    content {
      id = metric_query.key
      metric {
        namespace   = "AWS/SQS"
        metric_name = metric_query.value
        dimensions  = { QueueName = aws_sqs_queue.retries[0].name }
        stat        = "Maximum"
        period      = 300
      }
    }
  }
}
