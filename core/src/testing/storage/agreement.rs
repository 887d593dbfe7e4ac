//! Clauses of two different calls that race: what they answer, and what is stored, agree.

use super::world::{SERVER, issue, new_token, pump, stored, try_redeem};
use crate::model::device::DeviceUpdate;
use crate::model::presence::{DeviceStatus, NodeId};
use crate::model::token::{TokenFate, TokenState};
use crate::storage::{Redemption, TokenRefused};
use crate::testing::fixtures::{after, certificate, issuer_key_id, noon};
use crate::testing::storage::Handle;

/// A redemption that races with the revocation of its token is recorded and the revocation finds
/// the token used, or it is refused and there is no certificate.
pub async fn a_redemption_and_a_revocation_agree(storage: &Handle) {
    for round in 0..16 {
        let pump = pump(storage).await;
        let id = pump.organization_id;
        let token = new_token(storage, &pump).await;
        let signed = certificate(&pump);
        let redeeming = {
            let (storage, token, signed) = (storage.clone(), token.clone(), signed.clone());
            async move { try_redeem(&storage, &token, &signed).await }
        };
        let revoking = {
            let (storage, token) = (storage.clone(), token.clone());
            async move { storage.revoke_token(id, token.id, after(1)).await }
        };
        // Whoever is called first would else be first each time.
        let (redemption, found) = if round % 2 == 0 {
            let (redeeming, revoking) = (tokio::spawn(redeeming), tokio::spawn(revoking));
            (redeeming.await.unwrap(), revoking.await.unwrap())
        } else {
            let (revoking, redeeming) = (tokio::spawn(revoking), tokio::spawn(redeeming));
            (redeeming.await.unwrap(), revoking.await.unwrap())
        };

        let fate = storage.token(token.id).await.unwrap().unwrap().fate;
        let newest = stored(storage, &pump).await.certificate;
        match redemption {
            Redemption::Recorded(_) => {
                assert_eq!(found.unwrap(), TokenState::Used);
                assert!(matches!(fate, TokenFate::Used { .. }), "{fate:?}");
                assert_eq!(newest.unwrap().serial_number, signed.serial_number);
            }
            Redemption::Refused(refused) => {
                assert_eq!(refused, TokenRefused::Revoked);
                assert_eq!(found.unwrap(), TokenState::Pending);
                assert_eq!(fate, TokenFate::Revoked { at: after(1) });
                assert_eq!(newest, None);
            }
        }
    }
}

/// A redemption that races with the deletion of its device leaves no good certificate: it is
/// refused, or its certificate is on the list of revoked ones.
pub async fn a_redemption_and_a_deletion_agree(storage: &Handle) {
    for _ in 0..8 {
        let pump = pump(storage).await;
        let token = new_token(storage, &pump).await;
        let signed = certificate(&pump);
        let redemption = tokio::spawn({
            let (storage, signed) = (storage.clone(), signed.clone());
            async move { try_redeem(&storage, &token, &signed).await }
        });
        let deletion = tokio::spawn({
            let (storage, pump) = (storage.clone(), pump.clone());
            async move {
                storage
                    .delete_device(pump.organization_id, pump.id, None, noon())
                    .await
            }
        });
        let (redemption, deletion) = (redemption.await.unwrap(), deletion.await.unwrap());
        deletion.unwrap();

        let revoked = all_pages!(
            500,
            |page| storage.revoked_certificates(issuer_key_id(1), noon(), page),
            |it| it.serial_number.clone()
        );
        let listed = revoked
            .iter()
            .any(|it| it.serial_number == signed.serial_number);
        match redemption {
            Redemption::Recorded(_) => assert!(listed),
            Redemption::Refused(refused) => {
                assert_eq!((refused, listed), (TokenRefused::Unknown, false));
            }
        }
    }
}

/// A session that opens while an operator shuts the device out is refused, or ended by the
/// change.
pub async fn a_session_and_a_shut_out_agree(storage: &Handle) {
    for _ in 0..8 {
        let pump = pump(storage).await;
        let signed = issue(storage, &pump).await;
        let opening = tokio::spawn({
            let storage = storage.clone();
            async move {
                storage
                    .open_session(
                        signed.organization_id,
                        signed.device_id,
                        &signed.serial_number,
                        &NodeId::main(),
                        noon(),
                    )
                    .await
            }
        });
        let change = tokio::spawn({
            let (storage, pump) = (storage.clone(), pump.clone());
            async move {
                let update = DeviceUpdate {
                    settings: pump.settings,
                    status: Some(DeviceStatus::Inactive),
                };
                storage
                    .update_device(pump.organization_id, pump.id, None, &update, noon())
                    .await
            }
        });
        let opened = opening.await.unwrap().unwrap();
        let ended = change.await.unwrap().unwrap().ended;

        assert_eq!(opened.is_ok(), ended.is_some());
        let device = stored(storage, &pump).await;
        assert_eq!((device.session, device.presence.online()), (None, false));
        assert_eq!(device.presence.status(), DeviceStatus::Inactive);
        let settled = storage
            .settle_sessions(SERVER, &NodeId::main(), noon(), 9)
            .await;
        assert_eq!(settled.unwrap(), 0);
    }
}
