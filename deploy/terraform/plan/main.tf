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

  validation {
    condition     = can(regex("^[/._A-Za-z0-9-]{0,256}$", lookup(var.settings, "EVENT_BUS", "")))
    error_message = "EVENT_BUS is the name of an event bus in this account and Region, such as default."
  }

  # With a wrong PROVIDERS the function does not start. Without any, nobody is linked, and whoever comes from a provider with
  # the address of an account is refused.
  validation {
    condition     = !contains(var.functions, "pre-sign-up") || length(setintersection(keys(var.settings), ["PROVIDERS", "OVERRIDES"])) > 0
    error_message = "pre-sign-up needs PROVIDERS, such as Google:claim: every identity provider of the pool, and how far its addresses are trusted (docs/SETTINGS.md). For a pool without any, PROVIDERS = \"\"."
  }

  validation {
    condition = alltrue([
      for entry in split(",", lookup(var.settings, "PROVIDERS", "")) :
      trimspace(entry) == "" || can(regex("^[^:]+:\\s*((always|claim)(@[^@:\\s]+)*|never)\\s*(:\\s*(custom\\s*:\\s*)?[^:\\s][^:]*)?$", trimspace(entry)))
    ])
    error_message = "PROVIDERS is a comma list of Name:trust[@domain...][:link], with trust one of always, claim, never: Google:claim,Corp:always@corp.example."
  }

  # The functions cannot ask the pool what it is, and a wrong answer makes links that no sign-in finds.
  validation {
    condition     = !contains(var.functions, "pre-sign-up") || alltrue([for name in ["NATIVE_USERNAME", "POOL_CASE_SENSITIVE"] : lookup(var.settings, name, "") != ""])
    error_message = "pre-sign-up needs NATIVE_USERNAME (email if the pool has username_attributes = [\"email\"], uuid if it has alias_attributes = [\"email\"], derived if the e-mail is neither) and POOL_CASE_SENSITIVE (true or false, as in username_configuration; true if the pool has none)."
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
  # What is named counts as set. A value may be known only after the apply, and what is made cannot wait for it.
  is_set = { for name in keys(local.manifest.settings) : name => contains(keys(var.settings), name) }

  # A failure of these keeps nobody out: it is logged, and Lambda does not count it.
  logs_failures = setintersection(var.functions, ["post-confirmation", "post-authentication", "custom-message"])
  errors        = { for name in var.functions : replace(name, "-", "_") => name }
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
        { for setting in local.manifest.functions[name].settings : setting => local.value[setting] if local.is_set[setting] },
        {
          for setting, value in {
            NEXT_FUNCTION         = try(var.next_functions[name].arn, "")
            NEXT_FUNCTION_ORDER   = try(var.next_functions[name].order, "")
            NEXT_FUNCTION_FAILURE = try(var.next_functions[name].failure, "")
          } : setting => value if value != ""
        }
      )
      # On the pool. A right without `when` is always needed. Otherwise one of its cases must hold; "*" means any value but none.
      actions = [
        for right in local.manifest.functions[name].rights : right.action
        if !can(right.on) && (!can(right.when) || anytrue([
          for case in try(right.when, []) : alltrue([
            for setting, values in case : contains(values, "*") ? local.is_set[setting] : contains(values, local.value[setting])
          ])
        ]))
      ]
    }
  }
}

output "retries" {
  description = "Whether memberships wait in a queue that the module makes. A queue of your own comes first."
  value       = contains(var.functions, "post-confirmation") && (local.is_set["DEFAULT_GROUP"] || local.is_set["OVERRIDES"]) && !local.is_set["RETRY_QUEUE_URL"]
}

output "retry_actions" {
  description = "The actions that each function needs on such a queue."
  value = {
    for name in var.functions : name => [for right in local.manifest.functions[name].rights : right.action if try(right.on, "") == "retry-queue"]
  }
}

output "event_bus" {
  description = "The event bus that pre-sign-up tells of links, in a list of one, or none."
  value       = contains(var.functions, "pre-sign-up") && local.is_set["EVENT_BUS"] ? [local.value["EVENT_BUS"]] : []
}

output "faults" {
  description = "The alarm for failures: the functions whose errors count, those whose log is read as well, whether refusals are taken off, and the sum."
  value = {
    errors        = local.errors
    logs_failures = local.logs_failures
    # Lambda counts a refusal as an error of the function, but refusing is its job.
    has_refusals = contains(var.functions, "pre-sign-up")
    expression   = "SUM([${join(", ", concat(keys(local.errors), length(local.logs_failures) > 0 ? ["failures"] : []))}])${contains(var.functions, "pre-sign-up") ? " - FILL(refusals, 0)" : ""}"
  }
}
