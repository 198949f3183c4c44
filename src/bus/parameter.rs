//! A node's parameters: what `ros2 param` lists, gets and sets.
//!
//! A parameter is declared with its first value, keeps that value's type, and may be read-only or have a rule; what
//! does not fit is refused with the reason. The services and `/parameter_events` are the same on every bus, because
//! they are nothing but messages.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use super::typed::{Publisher, serve_typed};
use super::{Bus, Error, Served, lock};
use crate::msg::rcl::{
    DescribeParameters, DescribeParametersResponse, GetParameterTypes, GetParameterTypesResponse,
    GetParameters, GetParametersResponse, ListParameters, ListParametersResponse, ListParametersResult,
    Parameter, ParameterDescriptor, ParameterEvent, SetParameters, SetParametersAtomically,
    SetParametersAtomicallyResponse, SetParametersResponse, SetParametersResult,
};
use crate::msg::std::Time;
use crate::time::Clock;
use crate::wire::Qos;

pub use value::Value;

mod value;

/// Of every node. Whose time it is, is settled when the bus is opened.
const SIM_TIME: &str = "use_sim_time";

/// Why a parameter was not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// What a value has to fulfil.
pub type Rule = Box<dyn Fn(&Value) -> Result<(), Refusal> + Send>;

/// A parameter as a node declares it.
pub struct Declared {
    name: String,
    value: Value,
    description: String,
    read_only: bool,
    rule: Option<Rule>,
}

impl fmt::Debug for Declared {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Declared")
            .field("name", &self.name)
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}

impl Declared {
    /// A parameter that may be set to anything of that value's type.
    pub fn new(name: impl Into<String>, value: Value, description: impl Into<String>) -> Self {
        Self { name: name.into(), value, description: description.into(), read_only: false, rule: None }
    }

    /// One that stays as it is.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// One whose values have to fulfil `rule`.
    #[must_use]
    pub fn with_rule(mut self, rule: impl Fn(&Value) -> Result<(), Refusal> + Send + 'static) -> Self {
        self.rule = Some(Box::new(rule));
        self
    }

    fn check(&self, value: &Value) -> Result<(), Refusal> {
        if self.read_only {
            return Err(Refusal(format!("{:?} is read-only", self.name)));
        }
        if value.kind() != self.value.kind() {
            let (is, wanted) = (value.kind_name(), self.value.kind_name());
            return Err(Refusal(format!("{:?} is {wanted}, not {is}", self.name)));
        }
        self.rule.as_ref().map_or(Ok(()), |rule| rule(value))
    }

    fn descriptor(&self) -> ParameterDescriptor {
        ParameterDescriptor {
            name: self.name.clone(),
            r#type: self.value.kind(),
            description: self.description.clone(),
            read_only: self.read_only,
            ..ParameterDescriptor::default()
        }
    }
}

struct Table {
    node: String,
    declared: BTreeMap<String, Declared>,
    events: Publisher<ParameterEvent>,
    clock: Arc<dyn Clock>,
}

impl Table {
    fn now(&self) -> Time {
        let (sec, nanosec) = self.clock.now().parts();
        Time { sec, nanosec }
    }

    fn check(&self, name: &str, value: &Value) -> Result<(), Refusal> {
        match self.declared.get(name) {
            Some(declared) => declared.check(value),
            None => Err(Refusal(format!("{name:?} is not declared"))),
        }
    }

    /// Sets all or none.
    fn set(&mut self, wanted: Vec<(String, Value)>) -> Result<(), Refusal> {
        wanted.iter().try_for_each(|(name, value)| self.check(name, value))?;
        let changed =
            wanted.iter().map(|(name, value)| Parameter { name: name.clone(), value: value.message() });
        let event = ParameterEvent {
            stamp: self.now(),
            node: self.node.clone(),
            changed_parameters: changed.collect(),
            ..ParameterEvent::default()
        };
        for (name, value) in wanted {
            if let Some(declared) = self.declared.get_mut(&name) {
                declared.value = value;
            }
        }
        if let Err(error) = self.events.send(&event) {
            tracing::warn!(error = &error as &dyn std::error::Error, "a parameter's change was not told");
        }
        Ok(())
    }

    fn set_from(&mut self, parameters: Vec<Parameter>) -> SetParametersResult {
        let values = parameters.into_iter().map(|parameter| match Value::of(&parameter.value) {
            Some(value) => Ok((parameter.name, value)),
            None => Err(Refusal(format!("{:?} cannot be unset", parameter.name))),
        });
        match values.collect::<Result<_, _>>().and_then(|wanted| self.set(wanted)) {
            Ok(()) => SetParametersResult { successful: true, reason: String::new() },
            Err(Refusal(reason)) => SetParametersResult { successful: false, reason },
        }
    }

    fn list(&self, prefixes: &[String], depth: u64) -> ListParametersResult {
        let shallow = |rest: &str| depth == 0 || (rest.matches('.').count() as u64) < depth;
        let wanted = |name: &str| {
            prefixes.is_empty() && shallow(name)
                || prefixes.iter().any(|prefix| {
                    name.strip_prefix(prefix.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.strip_prefix('.').is_some_and(shallow))
                })
        };
        let names: Vec<String> = self.declared.keys().filter(|name| wanted(name)).cloned().collect();
        let mut prefixes: Vec<String> =
            names.iter().filter_map(|name| Some(name.rsplit_once('.')?.0.to_owned())).collect();
        prefixes.dedup();
        ListParametersResult { names, prefixes }
    }
}

/// A node's parameters, served until this is dropped.
pub struct Parameters {
    table: Arc<Mutex<Table>>,
    _served: Vec<Box<dyn Served>>,
}

impl fmt::Debug for Parameters {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map()
            .entries(lock(&self.table).declared.iter().map(|(name, it)| (name, &it.value)))
            .finish()
    }
}

impl Parameters {
    /// Serves these parameters of the bus's node, and `use_sim_time`, which every node of ROS 2 has.
    pub fn serve(bus: &dyn Bus, mut declared: Vec<Declared>) -> Result<Self, Error> {
        let time = Declared::new(SIM_TIME, Value::Bool(bus.sim_time()), "whether time is what /clock says");
        declared.push(time.read_only());
        let mut events = Publisher::open(bus, "/parameter_events", Qos::reliable(1000))?;
        let (node, clock) = (bus.node().full_name(), bus.clock());
        let (sec, nanosec) = clock.now().parts();
        let new = declared.iter().map(|it| Parameter { name: it.name.clone(), value: it.value.message() });
        events.send(&ParameterEvent {
            stamp: Time { sec, nanosec },
            node: node.clone(),
            new_parameters: new.collect(),
            ..ParameterEvent::default()
        })?;
        let declared = declared.into_iter().map(|it| (it.name.clone(), it)).collect();
        let table = Arc::new(Mutex::new(Table { node, declared, events, clock }));
        let mut served = serve_questions(bus, &table)?;
        served.extend(serve_changes(bus, &table)?);
        Ok(Self { table, _served: served })
    }

    /// The value of a parameter that was declared.
    pub fn get(&self, name: &str) -> Option<Value> {
        lock(&self.table).declared.get(name).map(|declared| declared.value.clone())
    }

    /// Sets a parameter as somebody outside would.
    pub fn set(&self, name: &str, value: Value) -> Result<(), Refusal> {
        lock(&self.table).set(vec![(name.to_owned(), value)])
    }
}

type Shared = Arc<Mutex<Table>>;

fn serve_questions(bus: &dyn Bus, table: &Shared) -> Result<Vec<Box<dyn Served>>, Error> {
    let asked = Arc::clone(table);
    let get = serve_typed::<GetParameters>(bus, "~/get_parameters", move |request| {
        let table = lock(&asked);
        let value =
            |name| table.declared.get(name).map(|it: &Declared| it.value.message()).unwrap_or_default();
        Ok(GetParametersResponse { values: request.names.iter().map(value).collect() })
    })?;
    let asked = Arc::clone(table);
    let types = serve_typed::<GetParameterTypes>(bus, "~/get_parameter_types", move |request| {
        let table = lock(&asked);
        let kind = |name| table.declared.get(name).map_or(0, |it: &Declared| it.value.kind());
        Ok(GetParameterTypesResponse { types: request.names.iter().map(kind).collect::<Vec<u8>>().into() })
    })?;
    let asked = Arc::clone(table);
    let describe = serve_typed::<DescribeParameters>(bus, "~/describe_parameters", move |request| {
        let table = lock(&asked);
        let descriptor = |name| table.declared.get(name).map(Declared::descriptor).unwrap_or_default();
        Ok(DescribeParametersResponse { descriptors: request.names.iter().map(descriptor).collect() })
    })?;
    let asked = Arc::clone(table);
    let list = serve_typed::<ListParameters>(bus, "~/list_parameters", move |request| {
        Ok(ListParametersResponse { result: lock(&asked).list(&request.prefixes, request.depth) })
    })?;
    Ok(vec![get, types, describe, list])
}

fn serve_changes(bus: &dyn Bus, table: &Shared) -> Result<Vec<Box<dyn Served>>, Error> {
    let asked = Arc::clone(table);
    let each = serve_typed::<SetParameters>(bus, "~/set_parameters", move |request| {
        let mut table = lock(&asked);
        let results =
            request.parameters.into_iter().map(|parameter| table.set_from(vec![parameter])).collect();
        Ok(SetParametersResponse { results })
    })?;
    let asked = Arc::clone(table);
    let all = serve_typed::<SetParametersAtomically>(bus, "~/set_parameters_atomically", move |request| {
        Ok(SetParametersAtomicallyResponse { result: lock(&asked).set_from(request.parameters) })
    })?;
    Ok(vec![each, all])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::local::Hub;
    use crate::bus::typed::{call_typed, read, subscribe};
    use crate::bus::{Inbox, Limit, Node};
    use crate::msg::rcl::{GetParametersRequest, ListParametersRequest, SetParametersRequest};
    use std::time::Duration;

    const SOON: Duration = Duration::from_secs(20);

    fn declared() -> Vec<Declared> {
        let positive = |value: &Value| match value {
            Value::Double(number) if *number > 0.0 => Ok(()),
            other => Err(Refusal(format!("{other:?} is not positive"))),
        };
        vec![
            Declared::new("rate_hz", Value::Double(30.0), "how often").with_rule(positive),
            Declared::new("robot.name", Value::Text("so101".into()), "which").read_only(),
        ]
    }

    #[test]
    fn a_parameter_is_set_or_refused_with_the_reason() -> Result<(), Error> {
        let hub = Hub::default();
        let (node, other) = (hub.join(Node::new("n", "")?), hub.join(Node::new("o", "")?));
        let inbox = Inbox::new(Limit { samples: 10, bytes: 10_000 });
        let _events = subscribe::<ParameterEvent>(&other, "/parameter_events", Qos::reliable(10), &inbox)?;
        let parameters = Parameters::serve(&node, declared())?;
        let wanted = [
            ("rate_hz", Value::Double(10.0)),
            ("rate_hz", Value::Double(-1.0)),
            ("rate_hz", Value::Integer(1)),
            ("robot.name", Value::Text("x".into())),
            ("nothing", Value::Bool(true)),
        ];
        let wanted = wanted.map(|(name, value)| Parameter { name: name.into(), value: value.message() });
        let request = SetParametersRequest { parameters: wanted.to_vec() };
        let results = call_typed::<SetParameters>(&other, "/n/set_parameters", &request, SOON)?.results;
        let successful: Vec<bool> = results.iter().map(|result| result.successful).collect();
        assert_eq!(successful, [true, false, false, false, false]);
        assert_eq!(results[2].reason, "\"rate_hz\" is a double, not an integer");
        assert_eq!(parameters.get("rate_hz"), Some(Value::Double(10.0)));
        let events: Vec<ParameterEvent> =
            std::iter::from_fn(|| inbox.take()).map_while(|s| read(&s).ok()).collect();
        assert_eq!(events.iter().map(|event| event.changed_parameters.len()).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(events[0].new_parameters.len(), 3, "whose time it is is one of them");
        Ok(())
    }

    #[test]
    fn parameters_are_listed_and_told() -> Result<(), Error> {
        let node = Hub::default().join(Node::new("n", "ns")?);
        let _parameters = Parameters::serve(&node, declared())?;
        let list = |prefixes: &[&str], depth| {
            let request =
                ListParametersRequest { prefixes: prefixes.iter().map(|&it| it.into()).collect(), depth };
            call_typed::<ListParameters>(&node, "~/list_parameters", &request, SOON).map(|it| it.result)
        };
        assert_eq!(list(&[], 0)?.names, ["rate_hz", "robot.name", "use_sim_time"]);
        assert_eq!(list(&[], 0)?.prefixes, ["robot"]);
        assert_eq!(list(&[], 1)?.names, ["rate_hz", "use_sim_time"]);
        assert_eq!(list(&["robot"], 1)?.names, ["robot.name"]);
        let request = GetParametersRequest { names: vec!["robot.name".into(), "nothing".into()] };
        let values = call_typed::<GetParameters>(&node, "/ns/n/get_parameters", &request, SOON)?.values;
        assert_eq!(
            values.iter().map(Value::of).collect::<Vec<_>>(),
            [Some(Value::Text("so101".into())), None]
        );
        Ok(())
    }
}
