// `container ls`, docker's ps.
#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/client_config.hpp"
#include "cli/cmd/container_look.hpp"
#include "cli/context.hpp"
#include "cli/docker_errors.hpp"
#include "cli/filters.hpp"
#include "cli/format/container.hpp"
#include "cli/format/size.hpp"
#include "cli/format/template.hpp"
#include "cli/options.hpp"
#include "davit/container_list.hpp"
#include "davit/images.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace davit::cli {

namespace {

std::string size_text(Engine& engine, const ContainerInfo& container) {
    const ContainerSizes sizes = container_sizes(engine, container);
    return fmt::format("{} (virtual {})", human_size(static_cast<double>(sizes.written), 3),
                       human_size(static_cast<double>(sizes.whole), 3));
}

// Of the images that containers are made from; each is read once.
class Platforms {
public:
    explicit Platforms(Engine& engine) : engine_(engine) {}

    // As a template prints it: "linux/amd64"; as JSON its parts. An image that is gone has none.
    nlohmann::json of(const ContainerInfo& container, bool as_json) {
        const auto [at, fresh] = known_.try_emplace(container.image_id);
        if (fresh)
            if (const auto image = find_image(engine_, container.image_id)) at->second = image->platform;
        if (!at->second) return as_json ? nlohmann::json() : nlohmann::json("");
        const image::Platform& p = *at->second;
        if (!as_json) return p.os + "/" + p.architecture + (p.variant.empty() ? "" : "/" + p.variant);
        nlohmann::json out{{"architecture", p.architecture}, {"os", p.os}};
        if (!p.variant.empty()) out["variant"] = p.variant;
        return out;
    }

private:
    Engine& engine_;
    std::map<std::string, std::optional<image::Platform>> known_;
};

// What a container was made from by the name that it was asked for, as long as that name is the image's: after a build
// or a pull it may be another one's.
class ImageNames {
public:
    explicit ImageNames(Engine& engine) : engine_(engine) {}

    std::string of(const ContainerInfo& container) {
        if (container.image.empty() || container.image_id.empty()) return container.image;
        const auto [at, fresh] = known_.try_emplace({container.image, container.image_id});
        if (fresh) at->second = is_named(container) ? container.image : container.image_id;
        return at->second;
    }

private:
    bool is_named(const ContainerInfo& container) {
        try {
            return is_named_so(container);
        } catch (const Error&) { // the beginning of several ids
            return true;
        }
    }

    bool is_named_so(const ContainerInfo& container) {
        const auto named = find_image(engine_, container.image);
        if (named && named->id == container.image_id) return true;
        const auto name = try_parse_image_name(container.image);
        const auto own = find_image(engine_, container.image_id); // another platform's has the name too
        return name && own && std::find(own->tags.begin(), own->tags.end(), name->familiar) != own->tags.end();
    }

    Engine& engine_;
    std::map<std::pair<std::string, std::string>, std::string> known_;
};

// As docker, which tries the template on nothing first, to see whether it asks for sizes.
void check_template(const ListFormat& shape, const std::string& format) {
    if (shape.text.empty()) return;
    std::string problem = "failed to parse template: ";
    try {
        const Template parsed(format);
        problem = "failed to execute template: ";
        // docker tries it on a container that is none.
        nlohmann::json fields = docker_container_headers();
        for (nlohmann::json& field : fields) field = "";
        fields["Label"] = nlohmann::json::object();
        ListFormat tried = shape;
        tried.kind = ListFormat::Kind::plain_template;
        tried.text = format; // with "table", for the columns that are told
        render_list(tried, {fields}, {}, {});
    } catch (const Error& e) {
        constexpr std::string_view known = "template parsing error: ";
        std::string text = e.what();
        if (text.starts_with(known)) text.erase(0, known.size());
        throw error(Errc::usage, "{}{}", problem, text);
    }
}

} // namespace

int run_container_ls(Globals& globals, const Args& args) {
    ListContainersOptions which;
    bool latest = false, no_trunc = false, quiet = false, size = false;
    std::string format;
    Options options(globals, "container ls [OPTIONS]", "List containers");
    options.flag("a,all", which.all, "Show all containers (default shows just running)")
        .each(
            "f,filter", "filter",
            [&](const std::string& text) {
                if (const std::string filter = named_filter(text); !filter.empty()) which.filters.push_back(filter);
            },
            "Filter output based on conditions provided: ancestor=IMAGE, before=CONTAINER, exited=CODE, expose=PORT, "
            "health=starting|healthy|unhealthy|none, id=ID, is-task=true|false, label=KEY[=VALUE], name=TEXT, "
            "network=NETWORK, publish=PORT, since=CONTAINER, status=STATE, volume=VOLUME")
        .value("format", format,
               "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template")
        .value("n,last", which.last, "Show n last created containers (includes all states) (default -1)")
        .flag("l,latest", latest, "Show the latest created container (includes all states)")
        .flag("no-trunc", no_trunc, "Don't truncate output")
        .flag("q,quiet", quiet, "Only display container IDs")
        .flag("s,size", size, "Display total file sizes");
    if (!options.parse(args)) return 0;
    if (latest && which.last < 0) which.last = 1;
    Context context(globals);
    Engine& engine = context.engine();
    if (docker_is_spoken() && quiet && !format.empty())
        std::fputs("WARNING: Ignoring custom format, because both --format and --quiet are set.\n", stderr);
    if (format.empty() && !quiet) format = configured_format(globals, "psFormat");
    ListFormat shape = ListFormat::parse(format, "formatter.ContainerContext");
    if (size && format == "raw") shape.text += "size: {{.Size}}\n";
    check_template(shape, format);
    const bool whole_rows = shape.kind == ListFormat::Kind::json || shape.text.find("json .}") != std::string::npos;
    // Of all fields that a template asks for; --format json, which asks for none, has no sizes without -s.
    size = size || shape.text.find("json .}") != std::string::npos || shape.text.find(".Size") != std::string::npos;
    const bool platform = whole_rows || shape.text.find(".Platform") != std::string::npos;
    Platforms platforms(engine);
    std::vector<nlohmann::json> rows;
    std::string out;
    ImageNames names(engine);
    for (ContainerInfo& c : list_containers(engine, which)) {
        if (quiet) {
            out += (no_trunc ? c.id : short_id(c.id)) + "\n";
            continue;
        }
        if (docker_is_spoken()) c.image = names.of(c);
        rows.push_back(docker_container_row(c, sys::realtime_ns(), !no_trunc));
        if (size) rows.back()["Size"] = size_text(engine, c);
        if (platform) rows.back()["Platform"] = platforms.of(c, whole_rows);
        if (shape.kind == ListFormat::Kind::json) rows.back().erase("Label");
    }
    std::vector<std::string> columns{"ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"};
    if (size) columns.emplace_back("Size");
    if (!quiet) out = render_list(shape, rows, columns, docker_container_headers());
    std::fputs(out.c_str(), stdout);
    return 0;
}

} // namespace davit::cli
