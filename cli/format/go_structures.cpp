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

// "NAME:KIND" or "NAME=KEY:KIND"; behind the kind of a structure may stand its type.
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
        field.type = word.substr(colon + 2);
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
            "Architecture=architecture:s OS=os:s OSVersion=os.version:s OSFeatures=os.features:l Variant=variant:s"),
        row("swarm.Version", "Index", "Index:i"),
        row("swarm.Service", "ID Spec Endpoint",
            "ID:s Version:oswarm.Version CreatedAt:t UpdatedAt:t Spec:oswarm.ServiceSpec PreviousSpec:p "
            "Endpoint:oswarm.Endpoint UpdateStatus:p ServiceStatus:p JobStatus:p"),
        row("swarm.Task", "ID Spec ServiceID DesiredState",
            "ID:s Version:oswarm.Version CreatedAt:t UpdatedAt:t Name:s Labels:m Spec:oswarm.TaskSpec ServiceID:s "
            "Slot:i "
            "NodeID:s Status:oswarm.TaskStatus DesiredState:s NetworksAttachments:l GenericResources:l "
            "JobIteration:pswarm.Version Volumes:l"),
        row("swarm.Node", "ID Spec Description",
            "ID:s Version:oswarm.Version CreatedAt:t UpdatedAt:t Spec:oswarm.NodeSpec "
            "Description:oswarm.NodeDescription Status:oswarm.NodeStatus ManagerStatus:p"),
        row("swarm.Config", "ID Version Spec",
            "ID:s Version:oswarm.Version CreatedAt:t UpdatedAt:t Spec:oswarm.ConfigSpec"),
        row("swarm.ServiceSpec", "TaskTemplate Mode",
            "Name:s Labels:m TaskTemplate:oswarm.TaskSpec Mode:oswarm.ServiceMode UpdateConfig:p RollbackConfig:p "
            "EndpointSpec:pswarm.EndpointSpec"),
        row("swarm.NodeSpec", "Role Availability", "Name:s Labels:m Role:s Availability:s"),
        row("swarm.ConfigSpec", "Name Labels", "Name:s Labels:m Data:s Driver:p Templating:p"),
        row("swarm.ServiceMode", "Replicated", "Replicated:p Global:p ReplicatedJob:p GlobalJob:p"),
        row("swarm.UpdateStatus", "State StartedAt", "State:s StartedAt:T CompletedAt:T Message:s"),
        row("swarm.UpdateConfig", "Parallelism MaxFailureRatio Order",
            "Parallelism:i Delay:d FailureAction:s Monitor:d MaxFailureRatio:i Order:s"),
        row("swarm.JobStatus", "JobIteration", "JobIteration:oswarm.Version LastExecution:t"),
        row("swarm.TaskSpec", "ForceUpdate",
            "ContainerSpec:p PluginSpec:p NetworkAttachmentSpec:p Resources:pswarm.ResourceRequirements "
            "RestartPolicy:p "
            "Placement:pswarm.Placement Networks:l LogDriver:p ForceUpdate:i Runtime:s"),
        row("swarm.ContainerSpec", "Image",
            "Image:s Labels:m Command:l Args:l Hostname:s Env:l Dir:s User:s Groups:l Privileges:p Init:p StopSignal:s "
            "TTY:b OpenStdin:b ReadOnly:b Mounts:l StopGracePeriod:D Healthcheck:p Hosts:l "
            "DNSConfig:pswarm.DNSConfig Secrets:l Configs:l Isolation:s Sysctls:m CapabilityAdd:l CapabilityDrop:l "
            "Ulimits:l OomScoreAdj:i"),
        row("swarm.DNSConfig", "Nameservers", "Nameservers:l Search:l Options:l"),
        row("swarm.ResourceRequirements", "Limits",
            "Limits:pswarm.Limit Reservations:pswarm.Resources SwapBytes:p MemorySwappiness:p"),
        row("swarm.Limit", "Pids", "NanoCPUs:i MemoryBytes:i Pids:i"),
        row("swarm.Resources", "NanoCPUs", "NanoCPUs:i MemoryBytes:i GenericResources:l"),
        row("swarm.RestartPolicy", "Condition", "Condition:s Delay:D MaxAttempts:p Window:D"),
        row("swarm.Placement", "Constraints", "Constraints:l Preferences:l MaxReplicas:i Platforms:l"),
        row("swarm.TaskStatus", "Timestamp State",
            "Timestamp:t State:s Message:s Err:s ContainerStatus:p PortStatus:oswarm.PortStatus"),
        row("swarm.ContainerStatus", "ContainerID", "ContainerID:s PID:i ExitCode:i"),
        row("swarm.PortStatus", "Ports", "Ports:l"),
        row("swarm.Endpoint", "Spec", "Spec:oswarm.EndpointSpec Ports:l VirtualIPs:l"),
        row("swarm.EndpointSpec", "Mode", "Mode:s Ports:l"),
        row("swarm.PortConfig", "TargetPort PublishMode",
            "Name:s Protocol:s TargetPort:i PublishedPort:i PublishMode:s"),
        row("swarm.EndpointVirtualIP", "NetworkID Addr", "NetworkID:s Addr:x"),
        row("swarm.NodeDescription", "Platform Engine",
            "Hostname:s Platform:o Resources:oswarm.Resources Engine:oswarm.EngineDescription TLSInfo:oswarm.TLSInfo "
            "CSIInfo:l"),
        row("swarm.EngineDescription", "EngineVersion", "EngineVersion:s Labels:m Plugins:l"),
        row("swarm.TLSInfo", "TrustRoot", "TrustRoot:s CertIssuerSubject:l CertIssuerPublicKey:l"),
        row("swarm.NodeStatus", "State Addr", "State:s Message:s Addr:s"),
        row("swarm.ManagerStatus", "Reachability", "Leader:b Reachability:s Addr:s"),
        row("swarm.NetworkAttachmentConfig", "Target Aliases", "Target:s Aliases:l DriverOpts:m"),
        row("swarm.ConfigReference", "ConfigID", "File:p Runtime:p ConfigID:s ConfigName:s"),
        row("swarm.SecretReference", "SecretID", "File:p SecretID:s SecretName:s")};
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

bool GoStructure::embeds(std::string_view name) const {
    if (!type.starts_with("swarm.")) return false;
    return (name == "Meta" && field("CreatedAt")) || (name == "Annotations" && field("Name") && field("Labels"));
}

const GoStructure* go_structure(const Object& value) {
    if (!value.is_object() || value.empty()) return nullptr;
    const bool texts = std::all_of(value.begin(), value.end(), [](const Object& member) { return member.is_string(); });
    for (const GoStructure& one : all_structures()) {
        // Labels with one such name, sooner than Swarm's: that is known where its field is.
        if (texts && one.known_by.size() == 1 && one.type.starts_with("swarm.")) continue;
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

const GoStructure* structure_of(const GoField& field) {
    if (field.type.empty()) return nullptr;
    for (const GoStructure& one : all_structures())
        if (one.type == field.type) return &one;
    return nullptr;
}

Object zero_of(const GoStructure& structure) {
    Object out = Object::object();
    for (const GoField& field : structure.fields) out[field.key] = zero_of(field);
    return out;
}

Object zero_of(const GoField& field) {
    switch (field.kind) {
    case FieldKind::whole:
    case FieldKind::duration: return 0;
    case FieldKind::truth: return false;
    case FieldKind::list:
    case FieldKind::map:
    case FieldKind::optional_time:
    case FieldKind::optional_duration:
    case FieldKind::pointer: return nullptr;
    case FieldKind::structure:
        if (const GoStructure* structure = structure_of(field)) return zero_of(*structure);
        return nullptr;
    case FieldKind::time: return "0001-01-01T00:00:00Z";
    default: return "";
    }
}

Object go_value(const GoField& field, const Object& value) {
    if (value.is_string()) {
        const std::string& text = value.get_ref<const std::string&>();
        if (field.kind == FieldKind::address && text.empty()) return "invalid IP";
        if (field.kind == FieldKind::prefix && text.empty()) return "invalid Prefix";
        if (field.kind == FieldKind::time || field.kind == FieldKind::optional_time) return go_instant(text);
    }
    const bool duration = field.kind == FieldKind::duration || field.kind == FieldKind::optional_duration;
    if (duration && value.is_number_integer()) return go_duration(value.get<std::int64_t>());
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
