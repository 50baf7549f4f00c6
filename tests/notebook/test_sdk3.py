"""The notebook's walk with version 3 of SageMaker's SDK: by its resources, and by its Session. run.mjs has started the worker."""

import pathlib

import boto3
import pytest
from sagemaker.core.helper.session_helper import Session, production_variant
from sagemaker.core.image_uris import retrieve
from sagemaker.core.resources import Endpoint, EndpointConfig, Model
from sagemaker.core.s3 import S3Uploader
from sagemaker.core.shapes import ContainerDefinition, DesiredWeightAndCapacity, ProductionVariant

CHURN = pathlib.Path(__file__).parents[2] / "models" / "churn"
ROLE = "arn:aws:iam::000000000000:role/any"
VARIANTS = {"Variant1": "logistic", "Variant2": "xgboost"}
INSTANCES = {"initial_instance_count": 1, "instance_type": "ml.m5.large"}


@pytest.fixture(scope="module")
def urls():
    """The two churn models, uploaded."""
    session = Session()
    names = VARIANTS.values()
    yield {name: S3Uploader.upload(str(CHURN / f"{name}.onnx"), "s3://models/sdk3", sagemaker_session=session) for name in names}
    for name in names:
        boto3.client("s3").delete_object(Bucket="models", Key=f"sdk3/{name}.onnx")


def container(url):
    # By its image alone the answers would be the XGBoost container's: one number a row.
    return {"image": retrieve("xgboost", "us-east-1", "3.0-5"), "model_data_url": url, "environment": {"TURNOUT_OUTPUT": "probabilities"}}


def first_customer():
    with open(CHURN / "held-out.csv") as rows:
        return rows.readline().rstrip("\n").split(",", 1)[1]


def test_resources_make_serve_shift_and_delete(urls):
    models = [
        Model.create(model_name=f"sdk3-{name}", primary_container=ContainerDefinition(**container(url)), execution_role_arn=ROLE)
        for name, url in urls.items()
    ]
    config = EndpointConfig.create(
        endpoint_config_name="sdk3",
        production_variants=[
            ProductionVariant(variant_name=variant, model_name=f"sdk3-{name}", initial_variant_weight=1, **INSTANCES)
            for variant, name in VARIANTS.items()
        ],
    )
    endpoint = Endpoint.create(endpoint_name="sdk3", endpoint_config_name="sdk3")
    endpoint.wait_for_status("InService", poll=1)
    for variant in VARIANTS:
        answer = endpoint.invoke(body=first_customer(), content_type="text/csv", target_variant=variant)
        assert answer.invoked_production_variant == variant and answer.body.read()
    endpoint.update_weights_and_capacities(
        desired_weights_and_capacities=[
            DesiredWeightAndCapacity(variant_name="Variant1", desired_weight=25),
            DesiredWeightAndCapacity(variant_name="Variant2", desired_weight=75),
        ]
    )
    endpoint.wait_for_status("InService", poll=1)
    weights = {variant.variant_name: variant.current_weight for variant in endpoint.refresh().production_variants}
    assert weights == {"Variant1": 25, "Variant2": 75}
    assert "sdk3" in [found.endpoint_name for found in Endpoint.get_all()]
    endpoint.delete()
    endpoint.wait_for_delete(poll=1)
    config.delete()
    for model in models:
        model.delete()


def test_its_session_makes_an_endpoint_as_version_2_does(urls):
    session = Session()
    variants = []
    for variant, name in VARIANTS.items():
        described = container(urls[name])
        definition = {"Image": described["image"], "ModelDataUrl": urls[name], "Environment": described["environment"]}
        session.create_model(name=f"sdk3-session-{name}", role=ROLE, container_defs=definition)
        variants.append(production_variant(model_name=f"sdk3-session-{name}", variant_name=variant, **INSTANCES))
    session.endpoint_from_production_variants(name="sdk3-session", production_variants=variants, wait=False)
    session.wait_for_endpoint("sdk3-session", poll=1)
    runtime = boto3.client("sagemaker-runtime")
    for variant in VARIANTS:
        request = {"EndpointName": "sdk3-session", "ContentType": "text/csv", "Body": first_customer(), "TargetVariant": variant}
        assert runtime.invoke_endpoint(**request)["InvokedProductionVariant"] == variant
    session.delete_endpoint("sdk3-session")
    session.delete_endpoint_config("sdk3-session")
    for name in VARIANTS.values():
        session.delete_model(f"sdk3-session-{name}")
