"""SNS with the AWS CLI and boto3, its endpoints, and two public validators of its signatures."""

import json
import re
import subprocess
from email.header import decode_header, make_header
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sns_message_validator import SNSMessageValidator

from conftest import node_with_hsms
from rig import development, endpoint, policy, sdk, wire
from rig.cli import Cli
from rig.node import wait_until
from rig.sdk import refused

VALIDATOR = Path(__file__).parent / "javascript/validate.mjs"
XMLNS = "http://sns.amazonaws.com/doc/2010-03-31/"


@pytest.fixture
def sns(node, account):
    """boto3's SNS client in the test's own account."""
    return sdk.client(node, "sns", access_key_id=account)


@pytest.fixture
def hook():
    with endpoint.listening() as listening:
        yield listening


def follow(node, url: str) -> wire.Answer:
    """Follows a link in a message, without a signature."""
    place = urlsplit(url)
    return wire.unsigned(node, "GET", f"{place.path}?{place.query}")


def subscribed(node, sns, topic: str, hook: endpoint.Endpoint, **attributes: str) -> str:
    """A subscription whose endpoint has confirmed it by following the link."""
    asked = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=hook.url, Attributes=attributes)
    assert asked["SubscriptionArn"] == "pending confirmation"
    answer = follow(node, hook.latest("SubscriptionConfirmation").message["SubscribeURL"])
    assert answer.status == 200, answer
    text = answer.body.decode()
    assert f'<ConfirmSubscriptionResponse xmlns="{XMLNS}"><ConfirmSubscriptionResult>' in text
    return re.search("<SubscriptionArn>(.*)</SubscriptionArn>", text)[1]


def messages(hook: endpoint.Endpoint) -> list[dict]:
    """What came, each message once: one that its endpoint has not answered in time is sent again."""
    return list({got.headers["x-amz-sns-message-id"]: got.message for got in hook.got}.values())


def validated(message: dict, **options):
    here = re.escape(f"http://{urlsplit(message['SigningCertURL']).netloc}/SimpleNotificationService-")
    SNSMessageValidator(cert_url_regex=f"^{here}[0-9a-f]{{32}}\\.pem$", **options).validate_message(message)


def test_a_topic_lives_with_the_cli(aws, hook):
    topic = aws("sns", "create-topic", "--name", "alarms")["TopicArn"]
    aws(
        "sns", "set-topic-attributes", "--topic-arn", topic, "--attribute-name", "DisplayName", "--attribute-value", "A"
    )
    shown = aws("sns", "get-topic-attributes", "--topic-arn", topic)["Attributes"]
    assert shown["DisplayName"] == "A"
    assert topic in [found["TopicArn"] for found in aws("sns", "list-topics")["Topics"]]
    aws("sns", "subscribe", "--topic-arn", topic, "--protocol", "http", "--notification-endpoint", hook.url)
    message = hook.latest("SubscriptionConfirmation").message
    arn = aws("sns", "confirm-subscription", "--topic-arn", topic, "--token", message["Token"])["SubscriptionArn"]
    listed = aws("sns", "list-subscriptions-by-topic", "--topic-arn", topic)["Subscriptions"]
    assert [(one["SubscriptionArn"], one["Endpoint"]) for one in listed] == [(arn, hook.url)]
    sent = aws("sns", "publish", "--topic-arn", topic, "--subject", "S", "--message", "hello")["MessageId"]
    got = hook.latest("Notification").message
    assert (got["MessageId"], got["Subject"], got["Message"]) == (sent, "S", "hello")
    aws("sns", "unsubscribe", "--subscription-arn", arn)
    aws("sns", "delete-topic", "--topic-arn", topic)
    assert topic not in [found["TopicArn"] for found in aws("sns", "list-topics")["Topics"]]


def test_signatures_of_version_1_satisfy_a_public_validator(node, sns, hook):
    topic = sns.create_topic(Name="t")["TopicArn"]
    arn = subscribed(node, sns, topic, hook)
    sns.publish(TopicArn=topic, Message='üml "x"\nnext', Subject="A subject")
    sns.publish(TopicArn=topic, Message="without a subject")
    sns.publish(TopicArn=topic, Message="in another script", Subject="Schlüssel gelöscht 🔑")
    wait_until(lambda: len(messages(hook)) == 4, "the messages")
    follow(node, f"http://x/?Action=Unsubscribe&SubscriptionArn={arn}")
    hook.latest("UnsubscribeConfirmation")
    kinds = [message["Type"] for message in messages(hook)]
    assert sorted(kinds) == ["Notification"] * 3 + ["SubscriptionConfirmation", "UnsubscribeConfirmation"]
    for message in messages(hook):
        validated(message)
        altered = message | {"Message": "another"}
        with pytest.raises(Exception, match="Invalid signature"):
            validated(altered)


def test_signatures_of_version_2_satisfy_another_over_tls(made, hook, javascript):
    made.environment["STRONGROOM_SNS_DELIVER_TO"] = '["127.0.0.0/8"]'
    made.start()
    host = f"localhost:{made.port}"
    made.stop()
    made.environment["STRONGROOM_SNS_PUBLIC_URL"] = f"https://{host}"
    made.start()
    root = made.root["access_key_id"], made.root["secret_access_key"]
    sns = sdk.client(made, "sns", access_key_id=root[0], secret_access_key=root[1])
    topic = sns.create_topic(Name="t", Attributes={"SignatureVersion": "2"})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=hook.url)
    asked = hook.latest("SubscriptionConfirmation")
    place = urlsplit(asked.message["SubscribeURL"])
    assert (place.scheme, place.netloc) == ("https", host)
    made.open(f"{place.path}?{place.query}").close()
    sns.publish(TopicArn=topic, Message="hello", Subject="s")
    told = hook.latest("Notification")
    environment = {"PATH": made.environment["PATH"], "NODE_EXTRA_CA_CERTS": made.ca_bundle}

    def judged(body: str) -> subprocess.CompletedProcess:
        # It would give an address up that has not answered within a quarter of a second.
        command = [javascript, "--no-network-family-autoselection", VALIDATOR, host]
        return subprocess.run(command, input=body, capture_output=True, text=True, env=environment, timeout=120)

    for got in [asked, told]:
        assert got.message["SignatureVersion"] == "2"
        done = judged(got.body)
        assert (done.returncode, done.stdout) == (0, got.message["Message"] + "\n"), done.stderr
    done = judged(json.dumps(told.message | {"Message": "another"}))
    assert (done.returncode, done.stderr) == (1, "The message signature is invalid.\n"), done


def test_links_are_followed_without_a_signature_and_nothing_else_is(node, sns, hook):
    topic = sns.create_topic(Name="t")["TopicArn"]
    arn = subscribed(node, sns, topic, hook)
    for path in [
        f"/?Action=Publish&TopicArn={topic}&Message=x",
        f"/?Action=Publish&TopicArn={topic}&Message=x&Version=2010-03-31",
        f"/?Action=DeleteTopic&TopicArn={topic}",
    ]:
        answer = wire.unsigned(node, "GET", path)
        assert answer.status in (400, 403), answer
        assert b"InvalidAction" in answer.body or b"MissingAuthenticationToken" in answer.body
    bad = wire.unsigned(node, "GET", f"/?Action=ConfirmSubscription&TopicArn={topic}&Token=x")
    assert bad.status == 400
    assert b"<Code>InvalidParameter</Code><Message>Invalid token</Message>" in bad.body
    scope = "x/20260101/us-east-1/sns/aws4_request"
    forged = {"authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
    answer = wire.unsigned(node, "GET", f"/?Action=Unsubscribe&SubscriptionArn={arn}", forged)
    assert answer.status in (400, 403), "a signature that comes counts"
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["PendingConfirmation"] == "false"
    assert wire.unsigned(node, "GET", f"/?Action=Unsubscribe&SubscriptionArn={arn}").status == 200
    assert [one["SubscriptionArn"] for one in sns.list_subscriptions()["Subscriptions"]] == ["Deleted"]
    follow(node, hook.latest("UnsubscribeConfirmation").message["SubscribeURL"])
    assert [one["SubscriptionArn"] for one in sns.list_subscriptions()["Subscriptions"]] == [arn]


def test_a_message_comes_when_its_endpoint_is_back(fresh_node, hook):
    sns = sdk.client(fresh_node, "sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    subscribed(fresh_node, sns, topic, hook)
    hook.answers = [503, 503]
    sent = sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    for attempt in range(2, 5):
        hook.wait_for(attempt)
        development.advance(fresh_node, seconds=20)
    assert [got.headers["x-amz-sns-message-id"] for got in hook.got[1:]] == [sent] * 3


def test_a_message_survives_a_killed_server(fresh_node, hook):
    sns = sdk.client(fresh_node, "sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    subscribed(fresh_node, sns, topic, hook)
    hook.answers = [503]
    sent = sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    hook.wait_for(2)
    fresh_node.kill()
    fresh_node.start()
    development.advance(fresh_node, seconds=20)
    assert hook.wait_for(3)[2].message["MessageId"] == sent


def test_what_is_given_up_is_on_record(fresh_node, hook):
    sns = sdk.client(fresh_node, "sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    arn = subscribed(fresh_node, sns, topic, hook)
    hook.answers = [404]
    sent = sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    hook.wait_for(2)
    trail = sdk.client(fresh_node, "cloudtrail")
    by_name = [{"AttributeKey": "EventName", "AttributeValue": "AbandonDelivery"}]
    found = wait_until(lambda: trail.lookup_events(LookupAttributes=by_name)["Events"], "the record")
    details = json.loads(found[0]["CloudTrailEvent"])["serviceEventDetails"]
    assert (details["messageId"], details["subscriptionArn"], details["attempts"]) == (sent, arn, 1)


def test_records_hide_what_is_said(node, sns, account, hook):
    topic = sns.create_topic(Name="recorded")["TopicArn"]
    subscribed(node, sns, topic, hook)
    trail = sdk.client(node, "cloudtrail", access_key_id=account)

    def record(name: str) -> dict:
        found = trail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])["Events"]
        return json.loads(found[0]["CloudTrailEvent"])

    hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"
    assert record("Subscribe")["requestParameters"]["endpoint"] == hidden
    confirmed = record("ConfirmSubscription")
    assert confirmed["requestParameters"]["token"] == hidden
    assert confirmed["userIdentity"]["type"] == "Unknown"
    assert record("CreateTopic")["resources"][0]["ARN"] == topic


def test_encrypted_topics_ask_kms_for_their_publishers(node, sns, account, hook):
    kms = sdk.client(node, "kms", access_key_id=account)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    topic = sns.create_topic(Name="sealed", Attributes={"KmsMasterKeyId": key})["TopicArn"]
    subscribed(node, sns, topic, hook)
    sns.publish(TopicArn=topic, Message="hello")
    assert hook.latest("Notification").message["Message"] == "hello"
    trail = sdk.client(node, "cloudtrail", access_key_id=account)
    by_name = [{"AttributeKey": "EventName", "AttributeValue": "GenerateDataKey"}]
    record = json.loads(trail.lookup_events(LookupAttributes=by_name)["Events"][0]["CloudTrailEvent"])
    assert record["userIdentity"]["invokedBy"] == record["sourceIPAddress"] == "sns.amazonaws.com"
    assert record["requestParameters"]["encryptionContext"] == {"aws:sns:topicArn": topic}
    iam = sdk.client(node, "iam", access_key_id=account)
    iam.create_user(UserName="publisher")
    iam.put_user_policy(
        UserName="publisher", PolicyName="p", PolicyDocument=policy.document(policy.allow("sns:Publish"))
    )
    made = iam.create_access_key(UserName="publisher")["AccessKey"]
    publisher = sdk.client(node, "sns", access_key_id=made["AccessKeyId"], secret_access_key=made["SecretAccessKey"])
    with refused("KMSAccessDenied") as result:
        publisher.publish(TopicArn=topic, Message="hello")
    assert "kms:GenerateDataKey" in result.message
    assert "(Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException; Request ID: " in result.message


def test_the_aws_managed_key_serves_the_account(node, sns, hook):
    topic = sns.create_topic(Name="managed", Attributes={"KmsMasterKeyId": "alias/aws/sns"})["TopicArn"]
    subscribed(node, sns, topic, hook)
    sns.publish(TopicArn=topic, Message="hello")
    assert hook.latest("Notification").message["Message"] == "hello"


def test_internal_endpoints_are_refused(node, sns):
    topic = sns.create_topic(Name="t")["TopicArn"]
    for url in ["http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://[fe80::1]/", "http://0.0.0.0/"]:
        with refused("AuthorizationError") as result:
            sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)
        assert (result.status, result.message) == (403, "Not authorized to subscribe internal endpoints")


def test_mails_are_sent_and_their_links_work(program, tmp_path):
    with endpoint.receiving_mail() as mails:
        node = node_with_hsms(program, tmp_path, "--smtp-url", mails.url)
        node.start()
        try:
            sns = sdk.client(node, "sns")
            topic = sns.create_topic(Name="t", Attributes={"DisplayName": "The Keys"})["TopicArn"]
            sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.com")
            asked = mails.wait_for(1)
            assert asked["subject"] == "AWS Notification - Subscription Confirmation"
            assert (asked["to"], asked["from"].split("<")[0].strip(' "')) == ("ops@example.com", "The Keys")
            assert wire.unsigned(node, "GET", endpoint.link_in(endpoint.text_of(asked))).status == 200
            sns.publish(TopicArn=topic, Message="Grüße", Subject="Schöne Grüße")
            told = mails.wait_for(2)
            assert str(make_header(decode_header(told["subject"]))) == "Schöne Grüße"
            text = endpoint.text_of(told)
            assert text.startswith("Grüße")
            assert wire.unsigned(node, "GET", endpoint.link_in(text)).status == 200
            assert mails.wait_for(3)["subject"] == "AWS Notification - Unsubscribe Confirmation"
        finally:
            node.ensure_gone()
        assert "panicked" not in node.said()


def test_a_reset_forgets_topics(fresh_node, hook):
    sns = sdk.client(fresh_node, "sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    subscribed(fresh_node, sns, topic, hook)
    development.reset(fresh_node)
    assert sns.list_topics()["Topics"] == []
    hook.got.clear()
    again = sns.create_topic(Name="t")["TopicArn"]
    subscribed(fresh_node, sns, again, hook)


def test_the_cli_pages_through_topics(node, account):
    sns = sdk.client(node, "sns", access_key_id=account)
    for number in range(101):
        sns.create_topic(Name=f"p{number:03}")
    listed = Cli(node, access_key_id=account)("sns", "list-topics")["Topics"]
    assert len([one for one in listed if one["TopicArn"].split(":")[-1].startswith("p")]) == 101
