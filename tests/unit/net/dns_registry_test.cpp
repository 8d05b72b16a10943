#include "net/dns/registry.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace davit::net;
using namespace davit::net::dns;

namespace {

NamedEndpoint record(std::string id, std::string name, std::string network, std::string address,
                     std::vector<std::string> names) {
    return {std::move(id), std::move(name), std::move(network), {IpAddress::parse(address)}, std::move(names)};
}

std::string text(const Lookup& l) {
    if (!l.known) return "unknown";
    std::vector<std::string> all;
    for (const auto& a : l.addresses) all.push_back(a.to_string());
    std::sort(all.begin(), all.end());
    std::string out;
    for (const auto& a : all) out += (out.empty() ? "" : " ") + a;
    return out;
}

// cli and web on front; db on back; both on both.
struct Stack {
    Registry r;
    Client cli{"cli", {"p_front"}, {}}, db{"db", {"p_back"}, {}}, both{"both", {"p_back", "p_front"}, {}};
    Stack() {
        r.publish(record("cli", "p-cli-1", "p_front", "10.1.0.2", {"p-cli-1", "cli"}));
        r.publish(record("w1", "p-web-1", "p_front", "10.1.0.11", {"p-web-1", "web", "www", "api.example"}));
        r.publish(record("w2", "p-web-2", "p_front", "10.1.0.12", {"p-web-2", "web"}));
        r.publish(record("both", "p-both-1", "p_front", "10.1.0.5", {"p-both-1", "both", "f"}));
        r.publish(record("both", "p-both-1", "p_back", "10.2.0.5", {"p-both-1", "both", "k"}));
        r.publish(record("db", "p-db-1", "p_back", "10.2.0.6", {"p-db-1", "db"}));
    }
    std::string ask(const Client& c, std::string_view name) const { return text(r.find(c, name)); }
};

} // namespace

TEST_CASE("service, alias and container names resolve on the client's own networks") {
    const Stack s;
    CHECK(s.ask(s.cli, "web") == "10.1.0.11 10.1.0.12");
    CHECK(s.ask(s.cli, "p-web-2") == "10.1.0.12");
    CHECK(s.ask(s.cli, "WWW") == "10.1.0.11");
    CHECK(s.ask(s.cli, "api.example") == "10.1.0.11");
    CHECK(s.ask(s.cli, "db") == "unknown");
    CHECK(s.ask(s.cli, "k") == "unknown");
    CHECK(s.ask(s.cli, "") == "unknown");
    CHECK(s.ask(s.db, "both") == "10.2.0.5");
}

TEST_CASE("the first network in gateway order that knows a name wins") {
    const Stack s;
    CHECK(s.ask(s.both, "both") == "10.2.0.5");
    CHECK(s.ask({"both", {"p_front", "p_back"}, {}}, "both") == "10.1.0.5");
    CHECK(s.ask(s.both, "web") == "10.1.0.11 10.1.0.12");
}

TEST_CASE("name.network asks one network, whose own case counts") {
    const Stack s;
    CHECK(s.ask(s.both, "both.p_front") == "10.1.0.5");
    CHECK(s.ask(s.both, "BOTH.p_back") == "10.2.0.5");
    CHECK(s.ask(s.cli, "both.p_back") == "unknown");
    CHECK(s.ask(s.cli, "web.P_front") == "unknown");
    CHECK(s.ask(s.cli, "api.example.p_front") == "10.1.0.11");
    CHECK(s.ask(s.cli, ".p_front") == "unknown");
}

TEST_CASE("a network whose name has a dot is found too") {
    Registry r;
    r.publish(record("w", "w-1", "b.c", "10.0.0.1", {"a"}));
    CHECK(text(r.find({"x", {"b.c"}, {}}, "a.b.c")) == "10.0.0.1");
}

TEST_CASE("link aliases are seen by the linking client alone and come first") {
    const Stack s;
    const Client linked{"cli", {"p_front"}, {{"db", "p-web-1"}, {"web", "p-web-2"}}};
    CHECK(s.ask(linked, "db") == "10.1.0.11");
    CHECK(s.ask(linked, "web") == "10.1.0.12");
    CHECK(s.ask(s.cli, "db") == "unknown");
}

TEST_CASE("withdrawn containers leave no name behind") {
    Stack s;
    const auto before = s.r.generation();
    s.r.withdraw("w1", "p_front");
    CHECK(s.ask(s.cli, "web") == "10.1.0.12");
    CHECK(s.ask(s.cli, "www") == "unknown");
    CHECK(s.r.reverse(s.cli, IpAddress::parse("10.1.0.11")).empty());
    CHECK(s.r.generation() > before);
    s.r.withdraw("both");
    CHECK(s.ask(s.both, "f") == "unknown");
    CHECK(s.ask(s.both, "both.p_front") == "unknown");
}

TEST_CASE("a recreated container may take name and address before the old one goes") {
    Stack s;
    s.r.publish(record("new", "p-db-1", "p_back", "10.2.0.6", {"p-db-1", "db"}));
    s.r.withdraw("db");
    CHECK(s.ask(s.db, "db") == "10.2.0.6");
    s.r.publish(record("new", "p-db-1", "p_back", "10.2.0.7", {"p-db-1", "db"}));
    CHECK(s.ask(s.db, "db") == "10.2.0.7");
}

TEST_CASE("PTR gives the container's name on a network of the client") {
    const Stack s;
    CHECK(s.r.reverse(s.cli, IpAddress::parse("10.1.0.11")) == "p-web-1.p_front");
    CHECK(s.r.reverse(s.cli, IpAddress::parse("10.2.0.6")).empty());
}

TEST_CASE("records of another project on a shared network are replaced as a whole") {
    Stack s;
    s.r.replace_network("p_front", "other",
                        {record("o1", "o-x-1", "", "10.1.0.31", {"x"}), record("o2", "o-y-1", "", "10.1.0.32", {"y"})});
    CHECK(s.ask(s.cli, "x") == "10.1.0.31");
    s.r.replace_network("p_front", "other", {record("o2", "o-y-1", "", "10.1.0.33", {"y"})});
    CHECK(s.ask(s.cli, "x") == "unknown");
    CHECK(s.ask(s.cli, "y") == "10.1.0.33");
    CHECK(s.ask(s.cli, "web") == "10.1.0.11 10.1.0.12");
}

TEST_CASE("Docker's names of an endpoint, in its order and without doubles") {
    CHECK(docker_names("p-web-1", {"web", "p-web-1", "WWW"}, "0123456789abcdef0123", "webhost") ==
          std::vector<std::string>{"p-web-1", "web", "www", "0123456789ab", "webhost"});
    CHECK(docker_names("x", {}, "0123456789abcdef", "0123456789ab") == std::vector<std::string>{"x", "0123456789ab"});
}
