#: soak
#: include team
