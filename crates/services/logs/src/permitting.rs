//! Groups for those who may do something with them.

use strongroom_api_logs::actions;
use strongroom_identity::{Action, RequestContext};
use strongroom_policy::Everything;
use strongroom_store::Tx;

use crate::Logs;
use crate::domain::group::{Group, GroupName, Seen};
use crate::domain::stream::Stream;
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::repo::{self, groups, streams};

/// By which ARN a call is judged (CloudWatch Logs User Guide, "Log group and log stream ARNs"; the forms in refusals of AWS
/// quoted in public issue threads).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aspect<'s> {
    /// The group: the ARN of a stream without a name, which `...:log-group:name:*` fits.
    Group,
    /// The group's tags: its ARN with nothing behind the name.
    Tags,
    /// A stream.
    Stream(&'s str),
}

impl Aspect<'_> {
    fn arn(self, name: &GroupName) -> String {
        match self {
            Self::Group => name.stream_arn(""),
            Self::Tags => name.arn(),
            Self::Stream(stream) => name.stream_arn(stream),
        }
    }
}

impl Logs {
    /// Permission to do `A` to a group or a stream, there or not.
    pub(crate) fn permit<A: Action>(
        &self,
        context: &RequestContext,
        name: &GroupName,
        aspect: Aspect<'_>,
        tags: Option<&Tags>,
    ) -> Result<(), Refusal> {
        let seen = Seen { name, arn: aspect.arn(name), tags };
        Ok(self.authority.authorize::<A, _>(context, seen).map(drop)?)
    }

    /// Permission to do `A` to what is about no group.
    pub(crate) fn permit_all<A: Action>(&self, context: &RequestContext) -> Result<(), Refusal> {
        Ok(self.authority.authorize::<A, _>(context, Everything(context.account())).map(drop)?)
    }

    /// The group of that name, with permission to do `A`. Whoever may not is not told whether it is there.
    pub(crate) async fn permitted_group<A: Action>(
        &self,
        context: &RequestContext,
        name: &GroupName,
        aspect: Aspect<'_>,
    ) -> Result<Group, Refusal> {
        let found = self.find_group(name).await?;
        self.permit::<A>(context, name, aspect, found.as_ref().map(|group| &group.tags))?;
        found.ok_or_else(Refusal::no_such_group)
    }

    /// The same as a transaction sees it.
    pub(crate) async fn load_permitted<A: Action>(
        &self,
        tx: &mut Tx<'_>,
        context: &RequestContext,
        name: &GroupName,
        aspect: Aspect<'_>,
    ) -> Result<Group, Refusal> {
        let found = groups::load(tx, &self.mac, name).await?;
        self.permit::<A>(context, name, aspect, found.as_ref().map(|group| &group.tags))?;
        found.ok_or_else(Refusal::no_such_group)
    }

    /// The group and the stream of those names, with permission to do `A` to the stream.
    pub(crate) async fn permitted_stream<A: Action>(
        &self,
        context: &RequestContext,
        name: &GroupName,
        stream: &str,
    ) -> Result<(Group, Stream), Refusal> {
        let group = self.permitted_group::<A>(context, name, Aspect::Stream(stream)).await?;
        let found = streams::find(&self.db, &self.mac, group.id, stream).await?;
        Ok((group, found.ok_or_else(Refusal::no_such_stream)?))
    }

    /// Changes a group. Permission to do `A` is asked for on the very state that the change commits on; `act` may run more
    /// than once.
    pub(crate) async fn change_group<A: Action>(
        &self,
        context: &RequestContext,
        name: &GroupName,
        aspect: Aspect<'_>,
        act: impl Fn(&mut Group) -> Result<(), Refusal> + Send + Sync,
    ) -> Result<(), Refusal> {
        let act = &act;
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let mut group = self.load_permitted::<A>(tx, context, name, aspect).await?;
                    act(&mut group)?;
                    groups::replace(tx, &self.mac, &mut group).await?;
                    Ok(repo::post(tx, context.draft()).await?)
                })
            })
            .await
    }

    /// Permission to name tags when something is made.
    pub(crate) fn permit_tags(
        &self,
        context: &RequestContext,
        name: &GroupName,
        tags: &Tags,
    ) -> Result<(), Refusal> {
        if tags.is_empty() {
            return Ok(());
        }
        // Either of the two permissions will do (Logs API Reference, CreateLogGroup).
        let by_old_name = self.permit::<actions::TagLogGroup>(context, name, Aspect::Group, None);
        by_old_name.or_else(|_| self.permit::<actions::TagResource>(context, name, Aspect::Tags, None))
    }
}
