"""The published schemas are those of the code, and real files satisfy them."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml

import workbench as wb
from workbench import demo
from workbench.audit.plan import Plan
from workbench.audit.policy import Policy
from workbench.audit.schemas import NAMES, schema


@pytest.mark.parametrize(("name", "model"), [("plan", Plan), ("policy", Policy)])
def test_schema_is_the_models(name: str, model: type[Plan] | type[Policy]) -> None:
    """A change of the model without a change of the published schema is noticed."""
    assert schema(name) == json.loads(json.dumps(model.model_json_schema()))


def test_real_files_satisfy_them(tmp_path: Path) -> None:
    """The demo's plan and record and the packaged policy are valid; a record with one more key is not."""
    plan = demo.prepare(tmp_path)
    record = json.loads(wb.Audit.from_plan(plan).run().to_json())
    for name in NAMES:
        jsonschema.Draft202012Validator.check_schema(schema(name))
    jsonschema.validate(yaml.safe_load(plan.read_text()), schema("plan"))
    policy = files("workbench.audit").joinpath("default_policy.yaml").read_text("utf-8")
    jsonschema.validate(yaml.safe_load(policy), schema("policy"))
    jsonschema.validate(record, schema("record"))
    record["content"]["findings"][0]["more"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(record, schema("record"))
