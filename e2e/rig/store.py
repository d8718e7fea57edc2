"""Custom key stores: KMS on an HSM cluster, made and used as a person does it."""

from dataclasses import dataclass
from functools import cached_property

from rig import sdk
from rig.cluster import PATIENCE, Cluster, HsmCli
from rig.node import wait_until

ZONES = ("us-east-1a", "us-east-1b")

KMSUSER = "kmsuser"
"""The crypto user through which KMS works in a cluster; its name is AWS's."""

KMSUSER_PASSWORD = "Kmsuser7password"
"""The password that `kmsuser` is made with; KMS replaces it each time it connects."""

PATIENT = ("--key-store-timeout", "25")
"""Options of a server: on a busy machine HSMs find primes, and hand a new key on, in more than the usual 5 seconds."""


@dataclass
class Store:
    """One custom key store of a cluster, and who uses it."""

    cluster: Cluster
    name: str = "MyCustomKeyStore"
    store_id: str = ""

    @cached_property
    def kms(self):
        """boto3's KMS client, as the root user of the cluster's account, in its Region."""
        aws = self.cluster.aws
        return sdk.client(aws.node, "kms", aws.region, aws.access_key_id, aws.secret_access_key)

    def create(self, **more) -> "Store":
        """Creates it, as a person does at first if there is no more: neither trust anchor nor password."""
        made = self.kms.create_custom_key_store(
            CustomKeyStoreName=self.name, CloudHsmClusterId=self.cluster.cluster_id, **more
        )
        self.store_id = made["CustomKeyStoreId"]
        return self

    def create_kmsuser(self, password: str = KMSUSER_PASSWORD) -> "Store":
        """Makes the crypto user in the cluster, as its administrator."""
        user = ["--username", KMSUSER, "--role", "crypto-user"]
        self.cluster.tool().as_admin().run("user", "create", *user, "--password", password)
        return self

    def set_password(self, password: str = KMSUSER_PASSWORD) -> "Store":
        """Tells KMS the password."""
        self.kms.update_custom_key_store(CustomKeyStoreId=self.store_id, KeyStorePassword=password)
        return self

    def reset_kmsuser(self, password: str = KMSUSER_PASSWORD) -> "Store":
        """Gives `kmsuser` another password in the cluster, as its administrator; KMS is not told."""
        user = ["--username", KMSUSER, "--role", "crypto-user"]
        self.cluster.tool().as_admin().run("user", "change-password", *user, "--password", password)
        return self

    def first_use(self, *zones: str) -> "Store":
        """All of it: an active cluster with an HSM in each zone, `kmsuser` in it, and the store connected."""
        self.cluster.first_use(*(zones or ZONES))
        return self.create_kmsuser().create().set_password().connect()

    def describe(self) -> dict:
        (store,) = self.kms.describe_custom_key_stores(CustomKeyStoreId=self.store_id)["CustomKeyStores"]
        return store

    @property
    def state(self) -> str:
        return self.describe()["ConnectionState"]

    def wait_for(self, state: str) -> dict:
        """Waits until the store is in that state."""

        def reached():
            store = self.describe()
            failed = state == "CONNECTED" and store["ConnectionState"] == "FAILED"
            assert not failed, f"{self.store_id} is not connected: {store['ConnectionErrorCode']}"
            return store if store["ConnectionState"] == state else None

        return wait_until(reached, f"{self.store_id} in state {state}", PATIENCE)

    def wait_for_rest(self) -> str:
        """Waits until the store is in a state that it stays in, and answers it."""

        def rests():
            state = self.state
            return None if state in ("CONNECTING", "DISCONNECTING") else state

        return wait_until(rests, f"{self.store_id} in a state that lasts", PATIENCE)

    def connect(self) -> "Store":
        self.kms.connect_custom_key_store(CustomKeyStoreId=self.store_id)
        self.wait_for("CONNECTED")
        return self

    def fails_to_connect(self) -> str:
        """Connects, which must fail, and answers why it did; the store is disconnected afterwards."""
        self.kms.connect_custom_key_store(CustomKeyStoreId=self.store_id)
        code = self.wait_for("FAILED")["ConnectionErrorCode"]
        self.disconnect()
        return code

    def disconnect(self) -> "Store":
        self.kms.disconnect_custom_key_store(CustomKeyStoreId=self.store_id)
        self.wait_for("DISCONNECTED")
        return self

    def create_key(self, **more) -> dict:
        """A symmetric key in the store; what it answers of it."""
        return self.kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=self.store_id, **more)["KeyMetadata"]

    def as_kmsuser(self, password: str = "Look4inside77") -> HsmCli:
        """Whoever looks at KMS's keys in the HSMs. The store is disconnected, as AWS's User Guide has it, because
        nobody but KMS knows the password otherwise; `back` connects it again."""
        self.disconnect().reset_kmsuser(password)
        return self.cluster.tool().as_crypto_user(KMSUSER, password)

    def back(self, password: str = "Look4inside77") -> "Store":
        """Ends `as_kmsuser`."""
        return self.set_password(password).connect()

    def keys_in_hsms(self, key_arn: str) -> list[dict]:
        """What the HSMs keep for a KMS key, one object for each of its materials; the store is reconnected."""
        tool = self.as_kmsuser()
        filters = ["--filter", f"attr.label={key_arn}", "--max-items", "100", "--verbose"]
        found = tool.run("key", "list", *filters).data["matched_keys"]
        self.back()
        return found

    def operations(self) -> dict[str, int]:
        """How many cryptographic operations each HSM has done since it started, by its serial number."""
        hsms = self.cluster.tool().run("cluster", "hsm-info").data["hsms"]
        return {hsm["serial-number"]: int(hsm["cryptographic-operations"]) for hsm in hsms}
