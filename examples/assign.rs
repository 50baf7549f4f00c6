//! The core without a worker: parses an endpoint's document, and assigns units and requests.
//!
//! ```sh
//! cargo run --example assign
//! ```

use std::error::Error;

use turnout::assignment::{Reason, UnitHash, assign, seeded};
use turnout::endpoint::Endpoint;

const DOCUMENT: &[u8] = br#"{
  "variants": [
    {"name": "baseline", "weight": 90, "origin": {"url": "https://models.example.com/churn/invocations"}},
    {"name": "challenger", "weight": 10, "origin": {"url": "https://models.example.com/churn-2/invocations"}}
  ],
  "assignment": {"unit": {"header": "x-user-id"}, "salt": "churn-2026-11"}
}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = Endpoint::parse(DOCUMENT)?;
    let stickiness = endpoint.stickiness().ok_or("the document names no unit")?;
    // A worker seeds this from the platform's randomness.
    let mut randomness = seeded([7; 32]);
    println!("revision {}", endpoint.revision().as_str());
    for user in ["ada", "grace", "katherine", "margaret"] {
        let unit = UnitHash::new(&stickiness.salt, user);
        let assignment = assign(&endpoint, None, Some(&unit), &mut randomness)?;
        let (variant, reason) = (assignment.variant.name.as_str(), assignment.reason.as_str());
        println!("{user:<10} {variant:<11} {reason:<9} propensity {}", assignment.propensity);
        assert_eq!(assignment.reason, Reason::Sticky);
    }
    let anonymous = assign(&endpoint, None, None, &mut randomness)?;
    println!(
        "{:<10} {:<11} {:<9} propensity {}",
        "-",
        anonymous.variant.name.as_str(),
        anonymous.reason.as_str(),
        anonymous.propensity
    );
    Ok(())
}
