# What the chosen functions need, worked out from the manifest alone. No provider and no resource, so it can be run
# and tested anywhere: `terraform init && terraform plan` here touches no cloud.

terraform {
  # Validation rules that look at other variables.
  required_version = ">= 1.9"
}

variable "functions" {
  description = "The functions to deploy, by name."
  type        = set(string)

  validation {
    condition     = length(setsubtract(var.functions, keys(local.manifest.functions))) == 0
    error_message = "Not a function: ${join(", ", setsubtract(var.functions, keys(local.manifest.functions)))}. Allowed: ${join(", ", keys(local.manifest.functions))}."
  }
}

variable "settings" {
  description = "Settings by name, as in docs/SETTINGS.md. What is left out has its default."
  type        = map(string)

  validation {
    condition     = length(setsubtract(keys(var.settings), keys(local.manifest.settings))) == 0
    error_message = "Not a setting: ${join(", ", setsubtract(keys(var.settings), keys(local.manifest.settings)))}. Allowed: ${join(", ", keys(local.manifest.settings))}."
  }

  validation {
    condition = alltrue([
      for name, value in var.settings : value == "" || contains(try(local.manifest.settings[name].allowed, [value]), value)
    ])
    error_message = join(" ", [
      for name, value in var.settings :
      "${name}=${value} is not allowed; choose one of ${join(", ", local.manifest.settings[name].allowed)}."
      if value != "" && !contains(try(local.manifest.settings[name].allowed, [value]), value)
    ])
  }

  validation {
    condition     = length([for name in keys(var.settings) : name if try(local.manifest.settings[name].per_function, false)]) == 0
    error_message = "Each function has its own NEXT_FUNCTION: use next_functions."
  }

  # The functions cannot ask the pool what it is, and a wrong answer makes links that no sign-in finds.
  validation {
    condition     = !contains(var.functions, "pre-sign-up") || alltrue([for name in ["NATIVE_USERNAME", "POOL_CASE_SENSITIVE"] : lookup(var.settings, name, "") != ""])
    error_message = "pre-sign-up needs NATIVE_USERNAME (email if the pool has username_attributes = [\"email\"], uuid if it has alias_attributes = [\"email\"]) and POOL_CASE_SENSITIVE (true or false, as in username_configuration; true if the pool has none)."
  }
}

variable "next_functions" {
  description = "Functions of your own that these call as well, by the name of the function that calls."
  type = map(object({
    arn     = string
    order   = optional(string, "")
    failure = optional(string, "")
  }))
  default = {}

  validation {
    condition     = length(setsubtract(keys(var.next_functions), var.functions)) == 0
    error_message = "Not deployed: ${join(", ", setsubtract(keys(var.next_functions), var.functions))}. next_functions names functions that call yours."
  }

  # Whether the function exists is known only when it is made.
  validation {
    condition     = alltrue([for next in values(var.next_functions) : can(regex("^arn:[^:]+:lambda:[^:]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_-]+)?$", next.arn))])
    error_message = "next_functions needs the ARN of a Lambda function, and after a colon its alias, if it has one."
  }

  validation {
    condition = alltrue([
      for next in values(var.next_functions) :
      contains(concat([""], local.manifest.settings.NEXT_FUNCTION_ORDER.allowed), next.order) && contains(concat([""], local.manifest.settings.NEXT_FUNCTION_FAILURE.allowed), next.failure)
    ])
    error_message = "In next_functions, order is before or after, and failure is refuse or pass."
  }
}

locals {
  manifest = jsondecode(file("${path.module}/../../manifest.json"))
  value    = { for name in keys(local.manifest.settings) : name => lookup(var.settings, name, "") }
}

output "functions" {
  description = "For each chosen function: what the manifest says, its environment, and the actions it needs on the pool."
  value = {
    for name in var.functions : name => {
      trigger         = local.manifest.functions[name].trigger
      description     = local.manifest.functions[name].description
      handler         = local.manifest.functions[name].handler
      runtime         = local.manifest.functions[name].runtime
      timeout_seconds = local.manifest.functions[name].timeout_seconds
      environment = merge(
        { for setting in local.manifest.functions[name].settings : setting => local.value[setting] if local.value[setting] != "" },
        {
          for setting, value in {
            NEXT_FUNCTION         = try(var.next_functions[name].arn, "")
            NEXT_FUNCTION_ORDER   = try(var.next_functions[name].order, "")
            NEXT_FUNCTION_FAILURE = try(var.next_functions[name].failure, "")
          } : setting => value if value != ""
        }
      )
      # A right without `when` is always needed. Otherwise one of its cases must hold; "*" means any value but none.
      actions = [
        for right in local.manifest.functions[name].rights : right.action
        if !can(right.when) || anytrue([
          for case in try(right.when, []) : alltrue([
            for setting, values in case : contains(values, "*") ? local.value[setting] != "" : contains(values, local.value[setting])
          ])
        ])
      ]
    }
  }
}
