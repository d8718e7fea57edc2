//! GetAccessKeyInfo: whose an access key is.

use strongroom_api_sts::{GetAccessKeyInfoRequest, GetAccessKeyInfoResponse, actions};
use strongroom_identity::RequestContext;
use strongroom_policy::Everything;

use super::restrictions::expect_may_call_sts;
use crate::IdentityManagement;
use crate::domain::id::{account_of_temporary, is_temporary};
use crate::error::Refusal;
use crate::repo::access_keys as rows;

/// Tells the account of any access key, the caller's or not, whether it counts or not. A temporary one's is in its id,
/// so that there is no telling whether it was ever given out.
pub(super) async fn get_access_key_info(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: GetAccessKeyInfoRequest,
) -> Result<GetAccessKeyInfoResponse, Refusal> {
    expect_may_call_sts(context, "GetAccessKeyInfo")?;
    let everything = Everything(context.account());
    identities.authority.authorize::<actions::GetAccessKeyInfo, _>(context, everything)?;
    let id = input.access_key_id.as_str();
    let account = if is_temporary(id) {
        account_of_temporary(id)
    } else {
        let directories = &identities.directories;
        rows::find(&directories.db, &directories.mac, id).await?.map(|row| row.account)
    };
    // AWS's text is not known.
    let account =
        account.ok_or_else(|| Refusal::Validation(format!("The access key ID {id} does not exist.")))?;
    Ok(GetAccessKeyInfoResponse { account: Some(account.to_string()) })
}
