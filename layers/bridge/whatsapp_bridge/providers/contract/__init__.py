"""What every BSP adapter provides, and the values that adapters and flows exchange.

An adapter is a folder of modules with fixed names. `registry` loads them one at a time, so that a function imports only
the parts it uses:

    settings   Settings (the account's `provider` object) and Options (the account's `options`)
    outbound   CAPABILITIES, translate(): a CleverTap message to a BSP request; pure
    inbound    authentic(), challenge(), split(): BSP callbacks to events; pure
    replies    reply(): a message from a person in CleverTap's form; pure. Separate from `inbound`, which starts without
               CleverTap's models
    codes      the vendor's status and error tables, row by row
    client     Client: prepare (encrypt, upload), send, open (decrypt), download; only it, `templates` and
               `template_status` have I/O
    templates  Templates: the BSP's list of templates. Only adapters whose BSP has one (`registry.WITH_TEMPLATES`)
    template_admin  Admin: makes and changes templates, as far as `Capabilities.templates` says. For the command line,
               not for functions
    template_status  TemplateStatus: what became of a known template. Only adapters whose BSP has no list, and can be
               asked for one (`registry.WITH_TEMPLATE_STATUS`)
    notices    read(), vouches(): what a `Notice` says of templates and numbers; pure. Only adapters whose `inbound`
               makes them (`registry.WITH_NOTICES`)

CleverTap's models are the common language: `outbound` reads them, `replies` writes them.

What such a module must have is in the module of the same name here. Besides: `outcomes` (what became of a message),
`statuses` (a status on its way), `adapter` (all of it, for mypy).
"""
