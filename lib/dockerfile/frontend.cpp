#include "dockerfile/frontend.hpp"

#include "base/error.hpp"
#include "dockerfile/place.hpp"

namespace davit::dockerfile {

CheckSettings check_settings(const Document& document, const EvaluateOptions& options) {
    if (const std::string* given = options.build_args.find("BUILDKIT_DOCKERFILE_CHECK"))
        return CheckSettings::read(*given);
    if (!document.directives.check) return {};
    // Only the first word counts, as in the reference.
    const std::string& value = document.directives.check->value;
    return at_place(document.directives.check->place,
                    [&] { return CheckSettings::read(value.substr(0, value.find(' '))); });
}

void require_this_frontend(const Document& document, const EvaluateOptions& options) {
    const std::string* given = options.build_args.find("BUILDKIT_SYNTAX");
    if (given && given->find_first_not_of(" \t\r\n") == std::string::npos)
        throw error(Errc::usage,
                    "empty BUILDKIT_SYNTAX build-arg is invalid, use --build-arg BUILDKIT_SYNTAX without '=' "
                    "for optional behavior");
    if (given) require_own_frontend({*given, {document.file, 0, 0}});
    else if (document.directives.syntax) require_own_frontend(*document.directives.syntax);
}

std::string cache_id(const EvaluateOptions& options, const std::string& id) {
    const std::string* name = options.build_args.find("BUILDKIT_CACHE_MOUNT_NS");
    return name && !name->empty() ? *name + "/" + id : id;
}

bool is_frontend_argument(std::string_view name) {
    return name == "BUILDKIT_SBOM_SCAN_CONTEXT" || name == "BUILDKIT_SBOM_SCAN_STAGE";
}

} // namespace davit::dockerfile
