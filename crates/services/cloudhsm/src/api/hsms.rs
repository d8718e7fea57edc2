//! Making and deleting HSMs.

use strongroom_api_cloudhsm::{CreateHsmRequest, CreateHsmResponse, DeleteHsmRequest, DeleteHsmResponse};
use strongroom_identity::RequestContext;

use super::shapes;
use crate::ControlPlane;
use crate::error::Refusal;
use crate::plane::Which;

pub(super) async fn create_hsm(
    plane: &ControlPlane,
    context: &RequestContext,
    input: CreateHsmRequest,
) -> Result<CreateHsmResponse, Refusal> {
    let address = |text: String| {
        text.parse().map_err(|_| Refusal::Invalid(format!("The IP address {text} is not valid.")))
    };
    let address = input.ip_address.map(address).transpose()?;
    let hsm = plane.create_hsm(context, &input.cluster_id, &input.availability_zone, address).await?;
    Ok(CreateHsmResponse { hsm: Some(shapes::hsm(&hsm)) })
}

pub(super) async fn delete_hsm(
    plane: &ControlPlane,
    context: &RequestContext,
    input: DeleteHsmRequest,
) -> Result<DeleteHsmResponse, Refusal> {
    let named =
        [input.hsm_id.map(Which::Id), input.eni_id.map(Which::Interface), input.eni_ip.map(Which::Address)];
    let mut named = named.into_iter().flatten();
    let (Some(which), None) = (named.next(), named.next()) else {
        return Err(Refusal::Invalid("Specify exactly one of HsmId, EniId and EniIp.".to_owned()));
    };
    let hsm = plane.delete_hsm(context, &input.cluster_id, &which).await?;
    Ok(DeleteHsmResponse { hsm_id: Some(hsm.id) })
}
