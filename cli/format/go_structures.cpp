#include "cli/format/go_structures.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <strings.h>

namespace davit::cli {

namespace {

using Object = nlohmann::ordered_json;
using FieldKind = GoField::Kind;

std::vector<std::string> row_words(std::string_view text) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        out.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

// "NAME:KIND" or "NAME=KEY:KIND"
GoStructure row(const char* type, const char* known_by, const char* fields) {
    GoStructure out;
    out.pointer = type[0] == '*';
    out.type = type + (out.pointer ? 1 : 0);
    out.known_by = row_words(known_by);
    for (const std::string& word : row_words(fields)) {
        const std::size_t colon = word.find(':'), equals = word.find('=');
        GoField field;
        field.name = word.substr(0, std::min(colon, equals));
        field.key = equals == std::string::npos ? field.name : word.substr(equals + 1, colon - equals - 1);
        field.kind = static_cast<FieldKind>(word[colon + 1]);
        out.fields.push_back(std::move(field));
    }
    return out;
}

const std::vector<GoStructure>& all_structures() {
    static const std::vector<GoStructure> all{
        row("*container.State", "Status OOMKilled",
            "Status:s Running:b Paused:b Restarting:b OOMKilled:b Dead:b Pid:i ExitCode:i Error:s StartedAt:s "
            "FinishedAt:s Health:p"),
        row("*container.Health", "Status FailingStreak", "Status:s FailingStreak:i Log:l"),
        row("*container.HealthcheckResult", "Start Output", "Start:t End:t ExitCode:i Output:s"),
        row("*container.HealthConfig", "Test", "Test:l Interval:d Timeout:d StartPeriod:d StartInterval:d Retries:i"),
        row("*container.Config", "AttachStdin OpenStdin",
            "Hostname:s Domainname:s User:s AttachStdin:b AttachStdout:b AttachStderr:b ExposedPorts:m Tty:b "
            "OpenStdin:b StdinOnce:b Env:l Cmd:l Healthcheck:p ArgsEscaped:b Image:s Volumes:m WorkingDir:s "
            "Entrypoint:l NetworkDisabled:b OnBuild:l Labels:m StopSignal:s StopTimeout:p Shell:l"),
        row("container.RestartPolicy", "Name MaximumRetryCount", "Name:s MaximumRetryCount:i"),
        row("container.LogConfig", "Type Config", "Type:s Config:m"),
        row("container.MountPoint", "Destination RW",
            "Type:s Name:s Source:s Destination:s Driver:s Mode:s RW:b Propagation:s"),
        row("mount.Mount", "Type Target",
            "Type:s Source:s Target:s ReadOnly:b Consistency:s BindOptions:p VolumeOptions:p ImageOptions:p "
            "TmpfsOptions:p ClusterOptions:p"),
        row("container.DeviceMapping", "PathOnHost PathInContainer",
            "PathOnHost:s PathInContainer:s CgroupPermissions:s"),
        row("container.DeviceRequest", "Driver DeviceIDs", "Driver:s Count:i DeviceIDs:l Capabilities:l Options:m"),
        row("*container.NetworkSettings", "SandboxKey Networks", "SandboxID:s SandboxKey:s Ports:m Networks:m"),
        row("network.PortBinding", "HostIp HostPort", "HostIP=HostIp:a HostPort:s"),
        row("*network.EndpointSettings", "NetworkID EndpointID IPAddress",
            "IPAMConfig:p Links:l Aliases:l DriverOpts:m GwPriority:i NetworkID:s EndpointID:s Gateway:a IPAddress:a "
            "MacAddress:s IPPrefixLen:i IPv6Gateway:a GlobalIPv6Address:a GlobalIPv6PrefixLen:i DNSNames:l"),
        row("network.EndpointResource", "EndpointID IPv4Address",
            "Name:s EndpointID:s MacAddress:s IPv4Address:x IPv6Address:x"),
        row("*network.EndpointIPAMConfig", "IPv4Address", "IPv4Address:a IPv6Address:a LinkLocalIPs:l"),
        row("network.IPAM", "Driver Config", "Driver:s Options:m Config:l"),
        row("network.IPAMConfig", "Subnet", "Subnet:x IPRange:x Gateway:a AuxAddress=AuxiliaryAddresses:m"),
        row("network.ConfigReference", "Network", "Network:s"),
        row("network.Inspect", "Id Scope IPAM",
            "Name:s ID=Id:s Created:t Scope:s Driver:s EnableIPv4:b EnableIPv6:b IPAM:o Internal:b Attachable:b "
            "Ingress:b ConfigFrom:o ConfigOnly:b Options:m Labels:m Peers:l Containers:m Services:m Status:p"),
        row("api.PortPublisher", "URL TargetPort PublishedPort Protocol",
            "URL:s TargetPort:i PublishedPort:i Protocol:s"),
        row("image.RootFS", "Type Layers", "Type:s Layers:l"),
        row("image.Metadata", "LastTagTime", "LastTagTime:t"),
        row("*storage.DriverData", "Data Name", "Data:m Name:s"),
        row("*v1.Descriptor", "mediaType digest",
            "MediaType=mediaType:s Digest=digest:s Size=size:i URLs=urls:l Annotations=annotations:m Data=data:l "
            "Platform=platform:p ArtifactType=artifactType:s"),
        row("*v1.Platform", "architecture os",
            "Architecture=architecture:s OS=os:s OSVersion=os.version:s OSFeatures=os.features:l Variant=variant:s")};
    return all;
}

// A fraction of `unit` without zeros at its end: 1500000 of 1000000 → "1.5".
std::string parts_of(std::uint64_t value, std::uint64_t unit) {
    std::string out = std::to_string(value / unit);
    std::uint64_t rest = value % unit;
    if (!rest) return out;
    std::string digits;
    for (std::uint64_t place = unit / 10; place && rest; place /= 10) {
        digits += static_cast<char>('0' + rest / place);
        rest %= place;
    }
    return out + "." + digits;
}

// time.Time's own form.
std::string go_instant(const std::string& text) {
    constexpr std::size_t date_length = 10, clock_length = 19;
    if (text.size() <= clock_length || text[date_length] != 'T') return text;
    const std::size_t zone = text.find_first_of("Z+-", clock_length);
    if (zone == std::string::npos) return text;
    const std::string when = text.substr(0, date_length) + " " + text.substr(date_length + 1, zone - date_length - 1);
    if (text[zone] == 'Z') return when + " +0000 UTC";
    std::string offset = text.substr(zone);
    std::erase(offset, ':');
    return when + " " + offset + " " + offset;
}

} // namespace

std::string go_duration(std::int64_t nanoseconds) {
    constexpr std::uint64_t microsecond = 1'000, millisecond = 1'000'000, second = 1'000'000'000;
    if (nanoseconds == 0) return "0s";
    const bool negative = nanoseconds < 0;
    const auto size = negative ? 0 - static_cast<std::uint64_t>(nanoseconds) : static_cast<std::uint64_t>(nanoseconds);
    std::string out;
    if (size < microsecond) out = std::to_string(size) + "ns";
    else if (size < millisecond) out = parts_of(size, microsecond) + "µs";
    else if (size < second) out = parts_of(size, millisecond) + "ms";
    else {
        const std::uint64_t minutes = size / (60 * second), hours = minutes / 60;
        if (hours) out = fmt::format("{}h", hours);
        if (minutes) out += fmt::format("{}m", minutes % 60);
        out += parts_of(size % (60 * second), second) + "s";
    }
    return negative ? "-" + out : out;
}

const GoField* GoStructure::field(std::string_view name) const {
    for (const GoField& one : fields)
        if (one.name == name || one.key == name) return &one;
    return nullptr;
}

const GoStructure* go_structure(const Object& value) {
    if (!value.is_object() || value.empty()) return nullptr;
    for (const GoStructure& one : all_structures()) {
        const bool known = std::all_of(one.known_by.begin(), one.known_by.end(),
                                       [&](const std::string& key) { return value.contains(key); });
        if (!known) continue;
        bool whole = true; // labels may be called anything
        for (const auto& [key, member] : value.items()) {
            const GoField* field = one.field(key);
            whole = whole && field && (field->kind != FieldKind::list || !member.is_string());
        }
        if (whole) return &one;
    }
    return nullptr;
}

Object zero_of(const GoField& field) {
    switch (field.kind) {
    case FieldKind::whole:
    case FieldKind::duration: return 0;
    case FieldKind::truth: return false;
    case FieldKind::list:
    case FieldKind::map:
    case FieldKind::structure:
    case FieldKind::pointer: return nullptr;
    case FieldKind::time: return "0001-01-01T00:00:00Z";
    default: return "";
    }
}

Object go_value(const GoField& field, const Object& value) {
    if (value.is_string()) {
        const std::string& text = value.get_ref<const std::string&>();
        if (field.kind == FieldKind::address && text.empty()) return "invalid IP";
        if (field.kind == FieldKind::prefix && text.empty()) return "invalid Prefix";
        if (field.kind == FieldKind::time) return go_instant(text);
    }
    if (field.kind == FieldKind::duration && value.is_number_integer()) return go_duration(value.get<std::int64_t>());
    return value;
}

std::string nil_text(const GoField& field) {
    switch (field.kind) {
    case FieldKind::list: return "[]";
    case FieldKind::map: return "map[]";
    case FieldKind::structure: return "{}";
    default: return "<nil>";
    }
}

} // namespace davit::cli
