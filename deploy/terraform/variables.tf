variable "name" {
  description = "Prefix of everything the module makes, such as the name of your product."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]{1,40}$", var.name))
    error_message = "name is 1 to 40 letters, digits and hyphens."
  }
}

variable "user_pool_id" {
  description = "The user pool: aws_cognito_user_pool.yours.id, or the id of a pool that is made elsewhere. With \"*\", the functions serve every pool of the account and Region."
  type        = string
}

variable "only_tagged_pools" {
  description = "With user_pool_id = \"*\", whether the functions may act only on pools whose tag account-triggers is the module's name."
  type        = bool
  default     = false

  validation {
    condition     = !var.only_tagged_pools || var.user_pool_id == "*"
    error_message = "only_tagged_pools needs user_pool_id = \"*\"."
  }
}

variable "more_user_pools" {
  description = "Further pools that the same functions serve, by a name of yours: { tenant-b = aws_cognito_user_pool.b.id }."
  type        = map(string)
  default     = {}

  # They become names of permissions.
  validation {
    condition     = alltrue([for name in keys(var.more_user_pools) : can(regex("^[A-Za-z0-9_-]{1,80}$", name))])
    error_message = "The names in more_user_pools are 1 to 80 letters, digits, hyphens and underscores."
  }
}

variable "functions" {
  description = "The functions to deploy: pre-sign-up, post-confirmation, post-authentication, inbound-federation, custom-message. pre-sign-up alone links people; docs/install/terraform.md says what the others are for."
  type        = set(string)
  default     = ["pre-sign-up", "post-confirmation", "post-authentication"]
}

variable "settings" {
  description = "Settings by name, as in docs/SETTINGS.md: { PROVIDERS = \"Google:claim\", … }. PROVIDERS, NATIVE_USERNAME and POOL_CASE_SENSITIVE must be there with pre-sign-up. What else is left out has its default; do not name a setting to leave it empty."
  type        = map(string)
}

variable "next_functions" {
  description = <<-EOT
    Functions of your own that these call as well, as docs/NEXT_FUNCTION.md says, by the name of the function that calls:
    { pre-sign-up = { arn = aws_lambda_function.yours.arn } }, with hyphens as in functions. order is before or after, failure
    is refuse or pass. The function's role gets the right to call yours.
    inbound-federation and custom-message must be built for it, and end at their start otherwise.
  EOT
  type = map(object({
    arn     = string
    order   = optional(string, "")
    failure = optional(string, "")
  }))
  default = {}
}

variable "packages" {
  description = <<-EOT
    Where the functions' zip files are: { path = "FOLDER" } on this machine, or { bucket = "BUCKET", prefix = "PREFIX/" } in S3.
    The files are named FUNCTION-ARCHITECTURE.zip, as `cargo xtask package` makes them. In S3, give each version a prefix of its
    own: Terraform sees by the name alone that a file there is another one.
  EOT
  type = object({
    path   = optional(string)
    bucket = optional(string)
    prefix = optional(string, "")
  })

  validation {
    condition     = (var.packages.path == null) != (var.packages.bucket == null)
    error_message = "packages names either a path or a bucket."
  }

  validation {
    condition     = var.packages.bucket == null || endswith(var.packages.prefix, "/")
    error_message = "With a bucket, packages needs a prefix that ends with /, another one for each version: otherwise Terraform never deploys a new version."
  }
}

variable "architecture" {
  description = "Processor of the functions, which their zip files must be built for: arm64 costs a fifth less."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is arm64 or x86_64."
  }
}

variable "memory_mb" {
  description = "Memory of each function in MB. The share of a processor grows with it, and Cognito waits five seconds for a cold start and the calls after it."
  type        = number
  default     = 512

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 3008
    error_message = "memory_mb is 128 to 3008."
  }
}

variable "layers" {
  description = "ARNs of layer versions by function, such as message templates of your own: { custom-message = [\"arn:…\"] }."
  type        = map(list(string))
  default     = {}
}

variable "log_level" {
  description = "Least serious line that the functions log: INFO or WARN. No level logs personal data."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["INFO", "WARN"], var.log_level)
    error_message = "log_level is INFO or WARN; the alarms count lines of WARN."
  }
}

variable "log_retention_days" {
  description = "Days the functions' logs are kept."
  type        = number
  default     = 30
}

variable "refusals_per_five_minutes" {
  description = "Number of refused sign-ins in five minutes that raises an alarm."
  type        = number
  default     = 20
}

variable "alarm_topic_arns" {
  description = "SNS topics that the alarms notify. Without one the alarms are made and notify nobody."
  type        = list(string)
  default     = []
}
