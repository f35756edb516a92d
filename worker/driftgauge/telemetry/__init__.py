"""Log set-up: what the imperative shell says about itself while it runs."""
