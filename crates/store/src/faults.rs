//! A store that fails when it is told to: any verb, before it was done, after, or for ever. For tests alone.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Broken, Store};

/// How a verb fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not done, and fails.
    Before,
    /// It is done, and fails.
    After,
    /// It is not done, and never answers.
    Hang,
}

type Plan = Box<dyn FnMut(&'static str) -> Option<Fault> + Send>;

/// What is to fail. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<Option<Plan>>>);

impl fmt::Debug for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Faults")
    }
}

impl Faults {
    /// Carries out `work`, the verb of that name, unless the plan says otherwise.
    pub(crate) async fn around<T>(
        &self,
        verb: &'static str,
        work: impl Future<Output = Result<T, Broken>>,
    ) -> Result<T, Broken> {
        let planned =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut().and_then(|plan| plan(verb));
        let planted = || Broken::Engine("a planted fault".to_owned());
        match planned {
            None => work.await,
            Some(Fault::Before) => Err(planted()),
            Some(Fault::After) => {
                work.await?;
                Err(planted())
            }
            Some(Fault::Hang) => std::future::pending().await,
        }
    }
}

impl Store {
    /// From now on each verb asks `plan`, by its own name, whether it is to fail, and how. Clones of this store ask too.
    pub fn danger_plan_faults(&self, plan: impl FnMut(&'static str) -> Option<Fault> + Send + 'static) {
        *self.faults.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(plan));
    }
}
