//! Do the Python functions exist? One interpreter reads the sources of all, and runs none of them.
//!
//! Owns what is asked of `preflight.py` and what its answers mean. The question goes by a private file: a variable of
//! the environment holds 128 KiB at most. Start at [`Preflight::python`].

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{Preflight, templates};
use crate::{
    agent::wire::{ChildKey, FromAgent, Sink, Source, SpawnSpec, ToAgent},
    engine::{
        hosts::Link,
        output::{OutputFact, Route, Routes},
    },
    model::{
        session::{FieldPath, Problem},
        template::{ProcessTemplate, Target, Terminal},
    },
};

/// A function, and what decides where its module is found. Equal ones are asked once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Question {
    pub target: String,
    /// The folder of its ranks; absent: that of the run.
    pub cwd: Option<String>,
    /// Takes the place of the run's `PYTHONPATH`.
    pub pythonpath: Option<String>,
}

/// A question as it is written.
#[derive(Serialize)]
struct Numbered<'a> {
    id: usize,
    #[serde(flatten)]
    question: &'a Question,
}

/// What is wrong with a function, if anything.
#[derive(Debug, Deserialize)]
struct Answer {
    id: usize,
    error: Option<String>,
    #[serde(default)]
    line: Option<u64>,
    #[serde(default)]
    suggestion: Option<String>,
}

impl Preflight<'_> {
    /// What is to be asked, and which fields each question is about.
    pub(super) fn python_questions(&self) -> BTreeMap<Question, Vec<FieldPath>> {
        let mut questions: BTreeMap<Question, Vec<FieldPath>> = BTreeMap::new();
        for (_, path, template) in templates(self.session) {
            if let Target::Python(target) = &template.target
                && let Some(question) = self.python_question(target, template)
            {
                let path = path.name("target");
                questions.entry(question).or_default().push(path);
            }
        }
        questions
    }

    fn python_question(&self, target: &str, template: &ProcessTemplate) -> Option<Question> {
        let target = self.recipes.python_target(target);
        let mut question = Question {
            target,
            cwd: None,
            pythonpath: None,
        };
        if question.target.starts_with('/') {
            // A file is where it is.
            return Some(question);
        }
        question.pythonpath = template.env.get("PYTHONPATH").cloned();
        question.cwd = self.folder_of(template);
        // What differs from rank to rank is seen when the rank starts.
        let varies = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains('{'));
        (!varies(&template.cwd) && !varies(&question.pythonpath)).then_some(question)
    }

    /// Asks about all Python functions of the session.
    pub(super) async fn python(
        &self,
        link: &mut Link,
        routes: &Routes,
        facts: &mut mpsc::Receiver<OutputFact>,
        problems: &mut Vec<Problem>,
    ) -> io::Result<()> {
        let python = || FieldPath::root().name("python");
        let targets: Vec<FieldPath> = templates(self.session)
            .filter(|(.., template)| matches!(template.target, Target::Python(_)))
            .map(|(_, path, _)| path.name("target"))
            .collect();
        if targets.is_empty() {
            return Ok(());
        }
        if let Some(why) = self.no_python {
            let text = format!("Python targets cannot be started: {why}");
            problems.push(Problem::error(python(), text));
            return Ok(());
        }
        // The interpreter is what is wrong then.
        if problems
            .iter()
            .any(|problem| targets.contains(&problem.path))
        {
            return Ok(());
        }
        let questions: Vec<_> = self.python_questions().into_iter().collect();
        let numbered: Vec<_> = questions
            .iter()
            .enumerate()
            .map(|(id, (question, _))| Numbered { id, question })
            .collect();
        let file = self.folder.join("preflight.json");
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&file)?
            .write_all(&serde_json::to_vec(&numbered)?)?;
        let child = ChildKey(u64::MAX);
        routes.add(child, Route::Capture);
        let interpreter = self
            .recipes
            .program(&self.recipes.interpreter(self.session));
        link.send(&ToAgent::Spawn(Box::new(SpawnSpec {
            child,
            task: "preflight".to_owned(),
            program: interpreter.clone(),
            args: vec![format!(
                "{}/{}",
                self.host.python_home,
                crate::python::embed::PREFLIGHT
            )],
            env: Vec::new(),
            cwd: None,
            stdin: Source::File(file.to_string_lossy().into_owned()),
            stdout: Sink::Pane { muted: false },
            stderr: Sink::Stdout,
            terminal: Terminal::Pipe,
            size: (24, 80),
            cpus: Vec::new(),
        })));
        let mut said = None;
        let mut messages = Vec::new();
        let failed = loop {
            link.flush()?;
            tokio::select! {
                ready = link.ready(true) => {
                    ready?;
                    link.read(&mut messages)?;
                    let failure = messages.drain(..).find_map(|message| match message {
                        FromAgent::SpawnFailed { reason, .. } => Some(reason),
                        _ => None,
                    });
                    if failure.is_some() {
                        break failure;
                    }
                }
                fact = facts.recv() => match fact {
                    Some(OutputFact::Captured(_, bytes)) => said = Some(bytes),
                    Some(OutputFact::Credit(credit)) => {
                        for (child, bytes) in credit {
                            link.send(&ToAgent::Credit(child, bytes));
                        }
                    }
                    Some(OutputFact::Eof(..)) => break None,
                    Some(_) => {}
                    None => return Err(io::ErrorKind::BrokenPipe.into()),
                },
            }
        };
        std::fs::remove_file(&file)?;
        let said = String::from_utf8_lossy(&said.unwrap_or_default()).into_owned();
        let answers: Result<Vec<Answer>, _> =
            serde_json::from_str(said.lines().last().unwrap_or_default());
        match (failed, answers) {
            (None, Ok(answers)) => {
                for answer in answers {
                    let (Some(error), Some((_, paths))) = (answer.error, questions.get(answer.id))
                    else {
                        continue;
                    };
                    let text = match answer.line {
                        Some(line) => format!("{error} (line {line})"),
                        None => error,
                    };
                    for path in paths {
                        let mut problem = Problem::error(path.clone(), text.clone());
                        problem.help = answer.suggestion.clone().map(Into::into);
                        problems.push(problem);
                    }
                }
            }
            (failed, _) => {
                let why = failed.unwrap_or_else(|| {
                    said.trim()
                        .lines()
                        .last()
                        .unwrap_or("it said nothing")
                        .to_owned()
                });
                let text = format!("{interpreter} cannot look at the Python targets: {why}");
                problems.push(Problem::error(python(), text));
            }
        }
        Ok(())
    }
}
