# What the application needs is named here, so that it does not start without it.
require "rails"

module Shop
  class Application < Rails::Application
    config.eager_load = false
    config.secret_key_base = ENV.fetch("SECRET_KEY_BASE")
    config.x.stripe_key = ENV.fetch("STRIPE_KEY")
    config.filter_parameters += [:key, :token, :password]
  end
end
