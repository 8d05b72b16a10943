#include "dockerfile/instruction_forms.hpp"

#include "dockerfile/mount.hpp"
#include "dockerfile/place.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>
#include <optional>

namespace davit::dockerfile::forms {

namespace {

using Network = RunStep::Network;
constexpr FlagRule run_flags[] = {
    {"mount", FlagRule::Kind::list}, {"network"}, {"security"}, {"device", FlagRule::Kind::list}};
constexpr std::pair<std::string_view, Network> networks[] = {
    {"default", Network::by_default}, {"none", Network::none}, {"host", Network::host}};

// values: of the flag, none where it is not given.
Network network_of(const Node& node, const std::vector<std::string>& values) {
    const std::string text = values.empty() ? "default" : values.front();
    for (const auto& [name, network] : networks)
        if (name == text) return network;
    throw mistake(node.place_of("--network"), "'{}' is no network of RUN", text)
        .with_hint("it is default, none or host");
}

bool insecure_of(const Node& node, const std::vector<std::string>& values) {
    const std::string text = values.empty() ? "sandbox" : values.front();
    if (text == "insecure") return true;
    if (text == "sandbox") return false;
    throw mistake(node.place_of("--security"), "'{}' is no security of RUN", text)
        .with_hint("it is sandbox or insecure");
}

// NAME[,required] or name=NAME[,required=BOOL].
std::pair<std::string, bool> device_of(const Node& node, const std::string& text) {
    const Place place = node.place_of("--device");
    std::pair<std::string, bool> out;
    for (const std::string& field : comma_fields(text, place)) {
        auto equals = field.find('=');
        std::string key = lower(field.substr(0, equals));
        std::string value = equals == std::string::npos ? "" : field.substr(equals + 1);
        if (key == "required") {
            auto required = equals == std::string::npos ? std::optional(true) : go_boolean(value);
            if (!required) throw mistake(place, "'{}' is no value of required", value).with_hint("it is true or false");
            out.second = *required;
        } else if (key == "name") {
            out.first = value;
        } else if (out.first.empty()) { // CDI names hold an = themselves
            out.first = field;
        } else {
            throw mistake(place, "--device has no key '{}'", key)
                .with_hint("write --device=VENDOR/CLASS=NAME,required");
        }
    }
    if (out.first.empty()) throw mistake(place, "--device names no device").with_hint("write --device=NAME");
    return out;
}

instruction::Command command_of(const Node& node) { return {node.args, !node.json}; }

} // namespace

instruction::Run run(const Node& node) {
    const Flags flags(node, run_flags);
    instruction::Run out;
    out.command = command_of(node);
    out.files = node.heredocs;
    out.mounts = flags.list("mount");
    for (const std::string& mount : out.mounts) check_mount_syntax(mount, node.place_of("--mount"));
    out.network = network_of(node, flags.list("network"));
    out.insecure = insecure_of(node, flags.list("security"));
    for (const std::string& device : flags.list("device")) out.devices.push_back(device_of(node, device));
    return out;
}

instruction::Cmd cmd(const Node& node) {
    Flags(node, {});
    return {command_of(node)};
}

instruction::Entrypoint entrypoint(const Node& node) {
    Flags(node, {});
    return {command_of(node)};
}

} // namespace davit::dockerfile::forms
