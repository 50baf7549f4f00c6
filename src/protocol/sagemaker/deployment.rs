//! Deployment guardrails: how SageMaker's clients say that traffic is to be shifted to another endpoint configuration, and how
//! they are told of it. Capacity is traffic here: there are no instances to count.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, Name, ShadowShare};
use crate::experiment::{AlarmName, LastDeployment, Rollout};
use crate::request::RequestError;

/// Seconds that a wait has at most.
const MOST_WAIT_S: u32 = 3_600;
const EXECUTION_S: std::ops::RangeInclusive<u32> = 600..=28_800;
const CANARY_PERCENT: std::ops::RangeInclusive<u32> = 1..=50;
const LINEAR_PERCENT: std::ops::RangeInclusive<u32> = 10..=50;
const MOST_ALARMS: usize = 10;

/// How traffic is to be shifted.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeploymentConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    blue_green_update_policy: Option<BlueGreen>,
    #[serde(default, skip_serializing)]
    rolling_update_policy: Option<IgnoredAny>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_rollback_configuration: Option<AutoRollback>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct BlueGreen {
    traffic_routing_configuration: Routing,
    #[serde(skip_serializing_if = "Option::is_none")]
    termination_wait_in_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_execution_timeout_in_seconds: Option<u32>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Routing {
    r#type: RoutingType,
    wait_interval_in_seconds: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    canary_size: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    linear_step_size: Option<Size>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum RoutingType {
    AllAtOnce,
    Canary,
    Linear,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Size {
    r#type: SizeType,
    value: u32,
}

#[derive(Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum SizeType {
    InstanceCount,
    CapacityPercent,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AutoRollback {
    #[serde(default)]
    alarms: Vec<AlarmOf>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AlarmOf {
    alarm_name: AlarmName,
}

impl DeploymentConfig {
    /// What it asks for, and the names of the alarms that end it.
    ///
    /// # Errors
    /// If it makes no sense, or asks for what there is not here.
    pub fn rollout(&self) -> Result<(Rollout, Vec<AlarmName>), RequestError> {
        if self.rolling_update_policy.is_some() {
            return Err(wrong(
                "`RollingUpdatePolicy` is not served here, where there are no instances to replace: use BlueGreenUpdatePolicy with LINEAR",
            ));
        }
        let policy = self.blue_green_update_policy.as_ref();
        let policy = policy.ok_or_else(|| wrong("`DeploymentConfig` has no BlueGreenUpdatePolicy"))?;
        let routing = &policy.traffic_routing_configuration;
        let (wait_s, bake_s) = (routing.wait_interval_in_seconds, policy.termination_wait_in_seconds.unwrap_or(0));
        if wait_s > MOST_WAIT_S || bake_s > MOST_WAIT_S {
            return Err(wrong("`WaitIntervalInSeconds` and `TerminationWaitInSeconds` are 0 to 3600"));
        }
        let percent = routing.percent()?;
        let steps = u32::try_from(percent.len()).unwrap_or(u32::MAX);
        let waits_s = wait_s.saturating_mul(steps).saturating_add(bake_s);
        if let Some(most_s) = policy.maximum_execution_timeout_in_seconds {
            if !EXECUTION_S.contains(&most_s) {
                return Err(wrong("`MaximumExecutionTimeoutInSeconds` is 600 to 28800"));
            }
            if most_s <= waits_s {
                return Err(RequestError::Operation(format!(
                    "`MaximumExecutionTimeoutInSeconds` is more than all waits together, which are {waits_s} seconds"
                )));
            }
        }
        let alarms = self.auto_rollback_configuration.iter().flat_map(|rollback| &rollback.alarms);
        let alarms: Vec<AlarmName> = alarms.map(|alarm| alarm.alarm_name.clone()).collect();
        if alarms.len() > MOST_ALARMS {
            return Err(RequestError::Operation(format!("`Alarms` are at most {MOST_ALARMS}")));
        }
        let ms = |seconds: u32| f64::from(seconds) * 1_000.0;
        let rollout = Rollout {
            percent,
            step_ms: ms(wait_s),
            bake_ms: ms(bake_s),
            most_ms: policy.maximum_execution_timeout_in_seconds.map(ms),
            terms: serde_json::to_value(self).unwrap_or_default(),
        };
        Ok((rollout, alarms))
    }
}

impl Routing {
    /// How much of the traffic is shifted by each step, in percent.
    fn percent(&self) -> Result<Vec<f64>, RequestError> {
        match (self.r#type, self.canary_size, self.linear_step_size) {
            (RoutingType::AllAtOnce, None, None) => Ok(vec![100.0]),
            (RoutingType::Canary, Some(size), None) => {
                Ok(vec![size.percent("CanarySize", CANARY_PERCENT)?.into(), 100.0])
            }
            (RoutingType::Linear, None, Some(size)) => {
                let size = size.percent("LinearStepSize", LINEAR_PERCENT)?;
                let steps = (1u32..).map(|step| size.saturating_mul(step)).take_while(|percent| *percent < 100);
                Ok(steps.chain([100]).map(f64::from).collect())
            }
            _ => Err(wrong(
                "`CanarySize` goes with the type CANARY, `LinearStepSize` with LINEAR, and each needs its own",
            )),
        }
    }
}

impl Size {
    fn percent(self, member: &str, range: std::ops::RangeInclusive<u32>) -> Result<u32, RequestError> {
        if self.r#type == SizeType::InstanceCount {
            return Err(RequestError::Operation(format!(
                "`{member}` of INSTANCE_COUNT is not served here, where there are no instances: use CAPACITY_PERCENT"
            )));
        }
        let (least, most) = (range.start(), range.end());
        if range.contains(&self.value) {
            return Ok(self.value);
        }
        Err(RequestError::Operation(format!("`{member}` is {least} to {most} percent of the traffic")))
    }
}

/// The deployment that an endpoint is in, as `PendingDeploymentSummary` tells it. Weights are percents of all traffic.
pub(super) fn pending(open: &LastDeployment, endpoint: &Endpoint) -> Value {
    let (status, since_ms) =
        if open.is_baking { ("Baking", open.since_ms) } else { ("ActivatingTraffic", open.began_ms) };
    let status = json!([{ "Status": status, "StatusMessage": open.says, "StartTime": since_ms / 1000.0 }]);
    let (mut variants, mut shadows) = (Vec::new(), Vec::new());
    for deployed in &open.deployment.variants {
        let variant = endpoint.variant(deployed.meanwhile.as_str());
        // A shadow is asked of the same share before and after.
        let shadow = variant.and_then(|variant| variant.shadow).map(ShadowShare::get);
        let current = shadow.unwrap_or_else(|| variant.map_or(0.0, |variant| endpoint.share(variant)));
        let told = json!({
            "VariantName": deployed.name,
            "CurrentWeight": percent(current),
            "DesiredWeight": percent(shadow.unwrap_or(deployed.share)),
            "VariantStatus": status,
        });
        if shadow.is_some() { shadows.push(told) } else { variants.push(told) }
    }
    let mut told = json!({
        "EndpointConfigName": open.deployment.config,
        "ProductionVariants": variants,
        "StartTime": open.began_ms / 1000.0,
    });
    if let (Some(members), false) = (told.as_object_mut(), shadows.is_empty()) {
        members.insert("ShadowProductionVariants".to_owned(), shadows.into());
    }
    told
}

/// Whether a variant of the document is there for the deployment alone.
pub(super) fn is_pending(open: &LastDeployment, variant: &Name) -> bool {
    open.deployment.variants.iter().any(|deployed| deployed.meanwhile == *variant && !deployed.is_shared)
}

/// As the document has its weights meanwhile.
fn percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}

fn wrong(what: &str) -> RequestError {
    RequestError::Operation(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout(config: Value) -> Result<(Rollout, Vec<AlarmName>), String> {
        let config: DeploymentConfig = serde_json::from_value(config).map_err(|error| error.to_string())?;
        config.rollout().map_err(|error| error.to_string())
    }

    fn blue_green(routing: Value, more: &[(&str, u32)]) -> Value {
        let mut policy = json!({ "TrafficRoutingConfiguration": routing });
        for (member, value) in more {
            policy[*member] = json!(value);
        }
        json!({ "BlueGreenUpdatePolicy": policy })
    }

    fn percent(value: u32) -> Value {
        json!({ "Type": "CAPACITY_PERCENT", "Value": value })
    }

    #[test]
    fn each_type_has_its_steps() {
        let linear =
            |size: u32| json!({"Type": "LINEAR", "WaitIntervalInSeconds": 60, "LinearStepSize": percent(size)});
        let canary = json!({"Type": "CANARY", "WaitIntervalInSeconds": 60, "CanarySize": percent(5)});
        for (routing, steps) in [
            (json!({"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}), &[100.0][..]),
            (canary, &[5.0, 100.0]),
            (linear(50), &[50.0, 100.0]),
            (linear(30), &[30.0, 60.0, 90.0, 100.0]),
        ] {
            let config =
                blue_green(routing, &[("TerminationWaitInSeconds", 7), ("MaximumExecutionTimeoutInSeconds", 600)]);
            let (rollout, alarms) = rollout(config.clone()).unwrap();
            assert_eq!((rollout.percent.as_slice(), rollout.bake_ms, rollout.most_ms), (steps, 7e3, Some(6e5)));
            assert_eq!((alarms.len(), rollout.terms), (0, config));
        }
    }

    #[test]
    fn what_makes_no_sense_or_is_not_here_is_refused_with_what_is_meant() {
        let canary = |size: Value| json!({"Type": "CANARY", "WaitIntervalInSeconds": 60, "CanarySize": size});
        let at_once = |wait: u32| json!({"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": wait});
        let linear =
            |size: u32| json!({"Type": "LINEAR", "WaitIntervalInSeconds": 600, "LinearStepSize": percent(size)});
        let mut alarmed = blue_green(at_once(0), &[]);
        alarmed["AutoRollbackConfiguration"] = json!({"Alarms": vec![json!({"AlarmName": "a"}); 11]});
        for (config, expected) in [
            (json!({}), "no BlueGreenUpdatePolicy"),
            (json!({"RollingUpdatePolicy": {}}), "no instances to replace"),
            (
                blue_green(json!({"Type": "ALL", "WaitIntervalInSeconds": 0}), &[]),
                "expected one of `ALL_AT_ONCE`, `CANARY`",
            ),
            (blue_green(json!({"Type": "LINEAR"}), &[]), "WaitIntervalInSeconds"),
            (blue_green(at_once(3_601), &[]), "are 0 to 3600"),
            (blue_green(at_once(0), &[("TerminationWaitInSeconds", 3_601)]), "are 0 to 3600"),
            (blue_green(canary(percent(0)), &[]), "`CanarySize` is 1 to 50 percent"),
            (blue_green(canary(percent(51)), &[]), "`CanarySize` is 1 to 50 percent"),
            (blue_green(canary(json!({"Type": "INSTANCE_COUNT", "Value": 1})), &[]), "use CAPACITY_PERCENT"),
            (blue_green(canary(Value::Null), &[]), "each needs its own"),
            (blue_green(linear(9), &[]), "`LinearStepSize` is 10 to 50 percent"),
            (blue_green(linear(51), &[]), "`LinearStepSize` is 10 to 50 percent"),
            (blue_green(at_once(0), &[("MaximumExecutionTimeoutInSeconds", 599)]), "is 600 to 28800"),
            (blue_green(linear(50), &[("MaximumExecutionTimeoutInSeconds", 1_200)]), "which are 1200 seconds"),
            (alarmed, "`Alarms` are at most 10"),
        ] {
            let told = rollout(config.clone()).unwrap_err();
            assert!(told.contains(expected), "{config}\n  gave: {told}\n  expected: {expected}");
        }
    }
}
