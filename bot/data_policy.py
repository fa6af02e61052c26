"""The data policies in words: to whom conversations may be sent, and what to do where nobody will take them.

Pure. This module knows nothing of how a policy is asked of a model's server.
"""

from __future__ import annotations

from bot.guild import DataPolicy

_PROMISES = {
    DataPolicy.ANY: "to any provider, also those that train on them",
    DataPolicy.NO_TRAINING: "only to providers that do not train on them",
    DataPolicy.ZERO_RETENTION: "only to providers that neither train on them nor keep them",
}


def promise(policy: DataPolicy) -> str:
    """To whom conversations may be sent, as the end of a sentence that says that they are."""
    return _PROMISES[policy]


def nobody_keeps_to(policy: DataPolicy, *, in_server: bool) -> str:
    """What to tell people where no provider of a model keeps to the policy in force."""
    if policy is DataPolicy.ANY:
        return (
            "Nobody serves this model under the privacy settings of the account that pays for it. "
            "Please choose another model with `/model`, or tell the operator of this bot."
        )
    here = "in this server" if in_server else "in direct messages"
    who = "ask an admin to change *Providers* in `/settings`" if in_server else "ask the operator of this bot"
    return (
        f"The data policy {here} lets me send conversations {promise(policy)} (`{policy}`), and nobody of that kind "
        f"serves this model. Please choose another model with `/model`, or {who}."
    )
