//! One player: login after login, in every order that a sound store must bear.

use std::collections::BTreeMap;

use portvakt_protocol::time::Seconds;

use super::story::Story;
use super::{Node, Stage, Until};
use crate::chance::Chance;
use crate::history::{Event, Outcome};
use crate::world::{CODE, TOKEN, World};

/// How much later than it is a refresh token is presented of which the grace is to be over.
const LATE: Seconds = Seconds::new(31);

/// How many older logins are asked after each time.
const OLDER: u64 = 8;

/// A player, and all its logins.
#[derive(Debug)]
pub(super) struct Player {
    name: String,
    chance: Chance,
    /// How many logins it has had, those of earlier processes included.
    had: usize,
    stories: Vec<Story>,
    settled: usize,
}

impl Player {
    pub(super) fn new(name: String, seed: u64) -> Self {
        Self { name, chance: Chance::seeded(seed), had: 0, stories: Vec::new(), settled: 0 }
    }

    /// Plays one login after the other.
    pub(super) async fn live(&mut self, stage: &Stage, until: Until) {
        let mut played = 0;
        while !stage.stop.is_stopped() && until != Until::Logins(played) {
            played += 1;
            let Some(mut story) = self.new_story(stage) else { return };
            self.play(stage, &mut story).await;
            self.stories.push(story);
        }
    }

    /// Asks after what became of the logins since the last time, and of a few older ones.
    pub(super) async fn settle(&mut self, stage: &Stage) {
        let known = self.settled;
        self.settled = self.stories.len();
        let mut stories = std::mem::take(&mut self.stories);
        let older: Vec<u64> = (0..OLDER).map(|_| self.chance.below(known as u64)).collect();
        for (at, story) in stories.iter_mut().enumerate() {
            if at >= known || older.contains(&(at as u64)) {
                self.ask_after(stage, story).await;
            }
        }
        self.stories = stories;
    }

    fn new_story(&mut self, stage: &Stage) -> Option<Story> {
        let client = self.chance.pick(stage.world.clients())?.clone();
        let person = self.chance.pick(stage.world.persons())?;
        let name = format!("{}{}", self.prefix(), self.had);
        self.had += 1;
        Some(Story::new(&stage.world, name, client, person))
    }

    /// How the names of its logins begin.
    fn prefix(&self) -> String {
        format!("{}, login ", self.name)
    }

    /// Takes up the logins of an earlier process of its name, as their events tell of them. They are yet to be asked after.
    pub(super) fn recall(&mut self, world: &World, events: &[Event]) {
        let prefix = self.prefix();
        let mut stories: BTreeMap<usize, Story> = BTreeMap::new();
        for event in events {
            let Some(number) = event.about.strip_prefix(&prefix).and_then(|number| number.parse().ok())
            else {
                continue;
            };
            let client =
                world.clients().iter().find(|client| event.client.as_deref() == Some(client.as_str()));
            let person = world.persons().iter().find(|person| event.person.as_ref() == Some(&person.name));
            let Some((client, person)) = client.zip(person) else { continue };
            stories
                .entry(number)
                .or_insert_with(|| Story::new(world, event.about.clone(), client.clone(), person))
                .recall(event);
        }
        self.had = stories.keys().next_back().map_or(0, |last| last + 1);
        self.stories = stories.into_values().collect();
        self.settled = 0;
    }

    async fn play(&mut self, stage: &Stage, story: &mut Story) {
        let Some([one, two, three]) = self.nodes(stage) else { return };
        let begun = story.begin(stage, &one).await;
        if begun != Outcome::Done
            && (self.chance.once_in(2) || story.find_login(stage, &two).await != Outcome::Done)
        {
            return;
        }
        if self.chance.once_in(4) {
            story.find_login(stage, &two).await;
        }
        match self.chance.below(16) {
            0 => drop(tokio::join!(story.identify(stage, &two), story.identify(stage, &three))),
            1 => {
                story.identify(stage, &two).await;
                story.identify(stage, &three).await;
            }
            // Nobody logs in.
            2 => {}
            _ => drop(story.identify(stage, &two).await),
        }
        self.finish(stage, story).await;
        if self.chance.once_in(4) {
            story.find_login(stage, &three).await;
        }
        // Some codes are kept for later.
        if !self.chance.once_in(8) {
            self.redeem(stage, story).await;
        }
    }

    /// One answer, or several at once: of one kind, or of two.
    async fn finish(&mut self, stage: &Stage, story: &mut Story) {
        let Some([one, two, three]) = self.nodes(stage) else { return };
        let brought = if self.chance.once_in(4) { 2 } else { 1 };
        let first = story.codes.len();
        for _ in 0..brought {
            story.bring_code();
        }
        story.code_expires.get_or_insert(stage.clock().now() + CODE);
        let told = match (brought, self.chance.below(8)) {
            (2, _) => {
                let (a, b) =
                    tokio::join!(story.collect(stage, &one, first), story.collect(stage, &two, first + 1));
                vec![a, b]
            }
            (_, 0) => vec![tokio::join!(story.collect(stage, &one, first), story.refuse(stage, &three)).0],
            (_, 1) => vec![tokio::join!(story.collect(stage, &one, first), story.end(stage, &three)).0],
            (_, 2) => {
                tokio::join!(story.refuse(stage, &one), story.end(stage, &two));
                vec![story.collect(stage, &three, first).await]
            }
            _ => vec![story.collect(stage, &one, first).await],
        };
        for ((_, _, outcome), told) in story.codes.iter_mut().skip(first).zip(told) {
            *outcome = told;
        }
        for at in first..story.codes.len() {
            story.learn_code(stage, &three, at).await;
        }
    }

    /// Redeems the code, once or by several at once, too late, and again.
    async fn redeem(&mut self, stage: &Stage, story: &mut Story) {
        let Some([one, two, three]) = self.nodes(stage) else { return };
        let Some(code) = story.code() else { return };
        if self.chance.once_in(8)
            && let Some(expires) = story.code_expires
        {
            let token = story.bring_token();
            let told = story.redeem(stage, &two, code, token, expires).await;
            story.learn_token(token, told);
        }
        let now = stage.clock().now();
        let contenders = if self.chance.once_in(3) { 3 } else { 1 };
        let tokens: Vec<usize> = (0..contenders).map(|_| story.bring_token()).collect();
        let told = match *tokens.as_slice() {
            [a, b, c] => {
                let (a, b, c) = tokio::join!(
                    story.redeem(stage, &one, code, a, now),
                    story.redeem(stage, &two, code, b, now),
                    story.redeem(stage, &three, code, c, now)
                );
                vec![a, b, c]
            }
            [a, ..] => vec![story.redeem(stage, &one, code, a, now).await],
            [] => return,
        };
        for (token, told) in tokens.into_iter().zip(told) {
            story.learn_token(token, told);
        }
        story.use_tokens(stage, &two, now).await;
        self.refresh(stage, story).await;
        if self.chance.once_in(8) {
            story.use_tokens(stage, &two, now + TOKEN + CODE).await;
        }
        if self.chance.once_in(5) {
            let token = story.bring_token();
            let told = story.redeem(stage, &three, code, token, now).await;
            story.learn_token(token, told);
            story.use_tokens(stage, &one, now).await;
        }
    }

    /// Uses refresh tokens: one after the other, by several at once, again after a lost answer, too late; and has it all revoked.
    async fn refresh(&mut self, stage: &Stage, story: &mut Story) {
        for _ in 0..self.chance.below(5) {
            let Some([one, two, three]) = self.nodes(stage) else { return };
            let Some(leaf) = story.leaf else { return };
            let now = stage.clock().now();
            let old = usize::try_from(self.chance.below(leaf as u64 + 1)).unwrap_or(leaf);
            match self.chance.below(24) {
                0..=2 => {
                    story.refresh_at_once(stage, [(&one, leaf), (&two, leaf), (&three, leaf)], now).await
                }
                3 => story.refresh_at_once(stage, [(&one, old), (&two, leaf), (&three, leaf)], now).await,
                // The answer is lost, and the client asks again.
                4..=6 => {
                    story.refresh(stage, &one, leaf, now).await;
                    story.refresh(stage, &two, leaf, now).await;
                }
                7 => story.refresh(stage, &one, old, now).await,
                8 => story.refresh(stage, &one, old, now + LATE).await,
                9 => story.refresh(stage, &one, leaf, now + TOKEN).await,
                10 => story.revoke(stage, &one, old, now).await,
                11 => story.revoke_meanwhile(stage, [&one, &two, &three], leaf, now).await,
                _ => story.refresh(stage, &one, leaf, now).await,
            }
            if self.chance.once_in(2) {
                story.use_tokens(stage, &three, now).await;
            }
        }
    }

    async fn ask_after(&mut self, stage: &Stage, story: &mut Story) {
        let Some([one, two, _]) = self.nodes(stage) else { return };
        let now = stage.clock().now();
        story.find_login(stage, &one).await;
        for at in 0..story.codes.len() {
            story.learn_code(stage, &two, at).await;
        }
        story.use_tokens(stage, &one, now).await;
        if let Some(code) = story.code()
            && (story.tokens.is_empty() || self.chance.once_in(4))
        {
            let token = story.bring_token();
            let told = story.redeem(stage, &two, code, token, now).await;
            story.learn_token(token, told);
            story.use_tokens(stage, &one, now).await;
        }
        let Some(leaf) = story.leaf else { return };
        if self.chance.once_in(2) {
            story.refresh(stage, &two, leaf, now).await;
            story.use_tokens(stage, &one, now).await;
        } else {
            // Whatever it ever got: the newest first, which works; then the others, which all were used, and end it.
            for token in (0..=leaf).rev() {
                story.refresh(stage, &two, token, now).await;
            }
            story.refresh(stage, &one, leaf, now).await;
            story.use_tokens(stage, &one, now).await;
        }
    }

    /// Three nodes by chance, and not always different ones.
    fn nodes(&mut self, stage: &Stage) -> Option<[Node; 3]> {
        Some([stage.node(&mut self.chance)?, stage.node(&mut self.chance)?, stage.node(&mut self.chance)?])
    }
}
