variable "name" {
  description = "Prefix of everything the module makes, such as the name of your product."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]{1,40}$", var.name))
    error_message = "name is 1 to 40 letters, digits and hyphens."
  }
}

variable "user_pool_id" {
  description = "The user pool: aws_cognito_user_pool.yours.id, or the id of a pool that is made elsewhere."
  type        = string
}

variable "more_user_pools" {
  description = "Further pools that the same functions serve, by a name of yours: { tenant-b = aws_cognito_user_pool.b.id }."
  type        = map(string)
  default     = {}
}

variable "functions" {
  description = "The functions to deploy: pre-sign-up, post-confirmation, post-authentication, inbound-federation, custom-message."
  type        = set(string)
  default     = ["pre-sign-up", "post-confirmation", "post-authentication"]
}

variable "settings" {
  description = "Settings by name, as in docs/SETTINGS.md: { PROVIDERS = \"Google:claim\", … }. What is left out has its default."
  type        = map(string)
}

variable "packages" {
  description = <<-EOT
    Where the functions' zip files are: { path = "FOLDER" } on this machine, or { bucket = "BUCKET", prefix = "PREFIX/" } in S3.
    The files are named FUNCTION-ARCHITECTURE.zip, as `cargo xtask package` makes them.
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
}

variable "architecture" {
  description = "Processor of the functions: arm64 costs a fifth less."
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

variable "alarm_topic_arns" {
  description = "SNS topics that the alarms notify. Without one the alarms are made and notify nobody."
  type        = list(string)
  default     = []
}
