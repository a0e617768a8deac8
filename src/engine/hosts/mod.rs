//! The hosts of a run: one link to an agent each.
//!
//! Owns [`Link`], the control channel to one agent, and how the session's list of hosts becomes an
//! [`Inventory`]. Never decides what runs where. A link begins in
//! [`local`].

pub mod local;

use std::{
    collections::HashSet,
    io,
    process::Child,
    time::{Duration, Instant},
};

use tokio::{io::Interest, net::UnixStream};

use super::placement::{HostFacts, Inventory};
use crate::{
    agent::wire::{self, ControlReader, FromAgent, ToAgent, Welcome},
    model::{
        cpuset::CpuSet,
        document::Session,
        host::HostSpec,
        ids::HostName,
        session::{FieldPath, Problem},
    },
};

/// When so many bytes of requests wait for an agent, the engine listens to output no more and refuses input for it.
pub const PENDING_MAX: usize = 4 << 20;

/// The control channel to one agent.
#[derive(Debug)]
pub struct Link {
    control: UnixStream,
    reader: ControlReader,
    pending: Vec<u8>,
    agent: Child,
}

/// How long a dropped link waits for its agent, which has nothing left to do then.
const REAPED: Duration = Duration::from_secs(2);

impl Drop for Link {
    /// The agent ends with its channel. It is reaped here: in a container nobody else may do it.
    fn drop(&mut self) {
        // It may be gone already.
        let _ = rustix::net::shutdown(&self.control, rustix::net::Shutdown::Both);
        let deadline = Instant::now() + REAPED;
        while matches!(self.agent.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Link {
    /// Puts a message in the line to the agent; [`flush`](Self::flush) sends what is there.
    pub fn send(&mut self, message: &ToAgent) {
        if let Err(error) = wire::encode_control(message, &mut self.pending) {
            // Only a message beyond the limit of the wire: a session of that size was refused before.
            tracing::error!("a message to the agent was not sent: {error}");
        }
    }

    /// Sends as much as the channel takes now.
    ///
    /// # Errors
    /// When the agent is gone.
    pub fn flush(&mut self) -> io::Result<()> {
        while !self.pending.is_empty() {
            match self.control.try_write(&self.pending) {
                Ok(count) => {
                    self.pending.drain(..count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Bytes that wait to be sent.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Waits until something can be read (if that is wanted), or written if something waits.
    ///
    /// # Errors
    /// When the channel is broken.
    pub async fn ready(&self, to_read: bool) -> io::Result<()> {
        let interest = match (to_read, self.pending.is_empty()) {
            (true, true) => Interest::READABLE,
            (true, false) => Interest::READABLE | Interest::WRITABLE,
            (false, false) => Interest::WRITABLE,
            (false, true) => return std::future::pending().await,
        };
        self.control.ready(interest).await.map(drop)
    }

    /// Reads what is there and appends the whole messages of it.
    ///
    /// # Errors
    /// `UnexpectedEof` when the agent closed the channel; anything else when it is broken or damaged.
    pub fn read(&mut self, messages: &mut Vec<FromAgent>) -> io::Result<()> {
        let mut buffer = [0; 64 << 10];
        loop {
            match self.control.try_read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.reader.push(&buffer[..count]);
                    while let Some(message) =
                        self.reader.next_message().map_err(io::Error::other)?
                    {
                        messages.push(message);
                    }
                    if count < buffer.len() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// The agent as a process of this machine.
    pub fn agent(&mut self) -> &mut Child {
        &mut self.agent
    }
}

/// Aliases of the command line: this name stands for that host.
pub type HostAliases = Vec<(HostName, HostName)>;

/// The inventory of a session on this machine: the hosts that the session describes, in their order, and localhost.
/// A described host that an alias maps to another one is that other one. Localhost stands where it is described first,
/// or before all others; what the agent said of it is true, but where it found no GPUs it has as many as described.
pub fn inventory(session: &Session, aliases: &HostAliases, welcome: &Welcome) -> Inventory {
    let localhost = HostFacts {
        name: HostName::localhost(),
        aliases: vec![HostName::new(&welcome.hostname)],
        cpus: welcome.cpus.iter().copied().collect(),
        gpus: welcome.gpus.iter().map(|gpu| gpu.index).collect(),
        listed: false,
        reachable: true,
    };
    let mut hosts: Vec<HostFacts> = vec![];
    let mut names = HashSet::new();
    for spec in &session.hosts {
        let HostSpec::Declared(declared) = spec else {
            continue;
        };
        let meant = aliases
            .iter()
            .find(|(name, _)| *name == declared.name)
            .map(|(_, host)| host);
        let named = meant.unwrap_or(&declared.name);
        let gpus = CpuSet::first(declared.gpus);
        if localhost.is_called(named) {
            if names.insert(localhost.name.clone()) {
                let mut here = HostFacts {
                    listed: true,
                    ..localhost.clone()
                };
                if here.gpus.is_empty() {
                    here.gpus = gpus;
                }
                hosts.push(here);
            }
        } else if names.insert(named.clone()) {
            hosts.push(HostFacts {
                name: named.clone(),
                aliases: Vec::new(),
                cpus: CpuSet::first(declared.cpus),
                gpus,
                listed: true,
                reachable: false,
            });
        }
    }
    if !names.contains(&localhost.name) {
        hosts.insert(0, localhost);
    }
    for (alias, host) in aliases {
        if let Some(facts) = hosts.iter_mut().find(|facts| facts.is_called(host)) {
            facts.aliases.push(alias.clone());
        }
    }
    Inventory { hosts }
}

/// Aliases that name a host that is not there: most likely misspelt.
pub fn unknown_aliases(aliases: &HostAliases, inventory: &Inventory) -> Vec<Problem> {
    let there = |host: &HostName| inventory.hosts.iter().any(|facts| facts.is_called(host));
    let names: Vec<_> = inventory
        .hosts
        .iter()
        .map(|facts| facts.name.to_string())
        .collect();
    aliases
        .iter()
        .filter(|(_, host)| !there(host))
        .map(|(alias, host)| {
            let text = format!(
                "--host-alias {alias}={host}: there is no host {host}, there is {}",
                names.join(", ")
            );
            Problem::error(FieldPath::root(), text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::host::DeclaredHost;

    fn session() -> Session {
        let declared = DeclaredHost {
            name: HostName::new("pinoak0033"),
            cpus: 64,
            gpus: 4,
        };
        Session {
            hosts: vec![HostSpec::Declared(declared)],
            ..Session::default()
        }
    }

    fn welcome() -> Welcome {
        Welcome {
            version: wire::VERSION,
            hostname: "login1.site".to_owned(),
            pid: 1,
            guardian: 2,
            cpus: vec![0, 1],
            memory: 1,
            gpus: Vec::new(),
            gpu_note: None,
            python_path: Ok(String::new()),
        }
    }

    #[test]
    fn a_declared_host_can_be_planned_for_and_not_reached() {
        let inventory = inventory(&session(), &Vec::new(), &welcome());
        let names: Vec<_> = inventory
            .hosts
            .iter()
            .map(|host| (host.name.to_string(), host.reachable))
            .collect();
        assert_eq!(
            names,
            [
                ("localhost".to_owned(), true),
                ("pinoak0033".to_owned(), false)
            ]
        );
        assert_eq!(inventory.hosts[1].gpus.len(), 4);
    }

    #[test]
    fn a_great_many_large_hosts_take_little() {
        let mut session = session();
        session.hosts = (0..60_000)
            .map(|index| {
                HostSpec::Declared(DeclaredHost {
                    name: HostName::new(&format!("node{index}")),
                    cpus: u32::MAX,
                    gpus: u32::MAX,
                })
            })
            .collect();
        let hosts = inventory(&session, &Vec::new(), &welcome()).hosts;
        assert_eq!((hosts.len(), hosts[1].cpus.len()), (60_001, 8192));
    }

    #[test]
    fn hosts_keep_the_order_of_the_session_wherever_this_machine_stands_in() {
        let declared = |name: &str, cpus, gpus| {
            HostSpec::Declared(DeclaredHost {
                name: HostName::new(name),
                cpus,
                gpus,
            })
        };
        let mut session = session();
        session.hosts = vec![
            declared("node1", 8, 0),
            declared("node2", 64, 4),
            declared("localhost", 8, 1),
        ];
        let order = |session: &Session, aliases: &[(&str, &str)]| {
            let aliases = aliases
                .iter()
                .map(|(name, host)| (HostName::new(name), HostName::new(host)))
                .collect();
            let hosts = inventory(session, &aliases, &welcome()).hosts;
            hosts
                .into_iter()
                .map(|host| (host.name.to_string(), host.cpus.len(), host.gpus.len()))
                .collect::<Vec<_>>()
        };
        let host = |name: &str, cpus, gpus| (name.to_owned(), cpus, gpus);
        // The cpus that the agent found are true; GPUs that it did not find are as described.
        let expected = [
            host("node1", 8, 0),
            host("node2", 64, 4),
            host("localhost", 2, 1),
        ];
        assert_eq!(order(&session, &[]), expected);
        let expected = [host("node1", 8, 0), host("localhost", 2, 4)];
        assert_eq!(order(&session, &[("node2", "localhost")]), expected);
        session.hosts.pop();
        assert_eq!(
            order(&session, &[])[0].0,
            "localhost",
            "not described: first"
        );
    }

    #[test]
    fn an_alias_lets_this_machine_stand_in_for_a_declared_host() {
        for target in ["localhost", "login1", "login1.site"] {
            let aliases = vec![(HostName::new("pinoak0033"), HostName::new(target))];
            let inventory = inventory(&session(), &aliases, &welcome());
            assert_eq!(inventory.hosts.len(), 1, "{target}");
            assert!(
                inventory.hosts[0].listed
                    && inventory.hosts[0].is_called(&HostName::new("pinoak0033"))
            );
        }
    }

    #[test]
    fn an_alias_for_a_host_that_is_not_there_is_a_problem() {
        let aliases = vec![
            (HostName::new("a"), HostName::new("login1")),
            (HostName::new("b"), HostName::new("nowhere")),
        ];
        let inventory = inventory(&session(), &aliases, &welcome());
        let problems = unknown_aliases(&aliases, &inventory);
        assert_eq!(problems.len(), 1);
        let text = problems[0].to_string();
        assert!(
            text.contains("no host nowhere") && text.contains("pinoak0033"),
            "{text}"
        );
    }
}
