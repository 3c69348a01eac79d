terraform {
  # Validation rules that look at other variables.
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # The first with `logging_config` on functions; 6 is what this module was read against.
      version = ">= 5.32"
    }
  }
}
