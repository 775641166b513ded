# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Audit
#
# This notebook runs one audit from the parameters below and shows what it found. Everything is computed once, by
# `audit.run()`; the other cells only show the record. Run it as it is, or unattended:
# `papermill audit.ipynb out.ipynb -f plan.yaml`, where the plan holds these same names.

# %% tags=["parameters"]
output = ""
run_id = ""

# %%
import workbench as wb
from workbench.report import notebook as nb

nb.reject_unknown(globals())  # a misspelt parameter must not go unnoticed

# %% [markdown]
# ## Data, model and roles

# %%
audit = wb.Audit(**nb.arguments(globals()))

# %% [markdown]
# ## Verdict

# %%
record = audit.run()
nb.verdict(record)

# %% [markdown]
# ## Data quality

# %%
nb.section(record, "quality")

# %% [markdown]
# ## Leakage

# %%
nb.section(record, "leakage")

# %% [markdown]
# ## Privacy

# %%
nb.section(record, "privacy")

# %% [markdown]
# ## Drift

# %%
nb.section(record, "drift")

# %% [markdown]
# ## Performance

# %%
nb.section(record, "performance")

# %% [markdown]
# ## Explanation

# %%
nb.section(record, "explain")

# %% [markdown]
# ## Bias

# %%
nb.section(record, "bias")

# %% [markdown]
# ## What to do about it

# %%
nb.section(record, "optimize")

# %% [markdown]
# ## The end of the run
#
# The record is written to the folder `output`, when there is one. A run is complete only when this cell has run.

# %%
nb.finish(record, output=output, run_id=run_id)
