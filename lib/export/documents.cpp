// Documents as text.
#include "export/common.hpp"

#include "yaml/print.hpp"

#include <nlohmann/json.hpp>

namespace davit::exports {

namespace {

yaml::Node* node_of(yaml::Tree& tree, const Document& d) {
    switch (d.type()) {
    case Document::value_t::boolean: return tree.boolean(d.get<bool>());
    case Document::value_t::number_integer:
    case Document::value_t::number_unsigned: return tree.integer(d.get<std::int64_t>());
    case Document::value_t::number_float: return tree.real(d.get<double>());
    case Document::value_t::string: return tree.string(d.get_ref<const std::string&>());
    case Document::value_t::array: {
        yaml::Node* out = tree.list();
        for (const Document& item : d) tree.push(*out, node_of(tree, item));
        return out;
    }
    case Document::value_t::object: {
        yaml::Node* out = tree.map();
        for (const auto& [key, value] : d.items()) tree.add(*out, tree.copy(key), node_of(tree, value));
        return out;
    }
    default: return tree.null();
    }
}

} // namespace

std::string yaml_of(const Document& document) {
    yaml::Tree tree;
    return yaml::print_yaml(*node_of(tree, document), false);
}

std::string yaml_of(const std::vector<Document>& documents) {
    std::string out;
    for (const Document& d : documents) out += (out.empty() ? "" : "---\n") + yaml_of(d);
    return out;
}

std::string json_of(const Document& document) {
    return document.dump(2, ' ', false, Document::error_handler_t::replace) + "\n";
}

} // namespace davit::exports
