#include "export/ecs/terraform_block.hpp"

#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

std::string tf_id(std::string_view text) {
    std::string out;
    for (char c : text) out += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
    return out.empty() || std::isdigit(static_cast<unsigned char>(out[0])) ? "n_" + out : out;
}

namespace {

std::string tf_word(const std::string& word) {
    if (word == "REGION") return "${var.region}";
    if (word == "ACCOUNT") return "${data.aws_caller_identity.current.account_id}";
    if (word == "PARTITION") return "${data.aws_partition.current.partition}";
    if (word == "DOMAIN") return "${data.aws_partition.current.dns_suffix}";
    if (word == "EXECUTION_ROLE") return "${aws_iam_role.execution.arn}";
    if (word == "TASK_ROLE") return "${aws_iam_role.task.arn}";
    return "${var.file_system_" + tf_id(word.substr(4)) + "}";
}

} // namespace

std::string tf_text(const std::string& text) {
    std::string escaped;
    for (std::size_t i = 0; i < text.size(); ++i) {
        escaped += text[i];
        if ((text[i] == '$' || text[i] == '%') && i + 1 < text.size() && text[i + 1] == '{') escaped += text[i];
    }
    return replaced(escaped, tf_word);
}

namespace {

Document tf_in(const Document& d) {
    return replaced_in(d, [](const std::string& text) { return Document(tf_text(text)); });
}

} // namespace

std::string tf_json(const Document& d) { return tf_in(d).dump(-1, ' ', false, Document::error_handler_t::replace); }

std::string tf_key(const std::string& key) {
    // What Terraform calls otherwise than by the rule.
    static const std::map<std::string, std::string> other = {
        {"sizeInGiB", "size_in_gib"},           {"managedEBSVolume", "managed_ebs_volume"},
        {"filesystemType", "file_system_type"}, {"lifecycleHooks", "lifecycle_hook"},
        {"secretOptions", "secret_option"},     {"loadBalancerName", "elb_name"},
        {"clientAliases", "client_alias"}};
    if (const auto it = other.find(key); it != other.end()) return it->second;
    std::string out;
    for (char c : key) {
        const auto u = static_cast<unsigned char>(c);
        if (std::isupper(u)) out += '_';
        out += static_cast<char>(std::tolower(u));
    }
    return out;
}

Document tf_block(const Document& d) {
    if (d.is_array()) {
        Document out = Document::array();
        for (const Document& item : d) out.push_back(tf_block(item));
        return out;
    }
    if (!d.is_object()) return d.is_string() ? Document(tf_in(d)) : d;
    Document out = Document::object();
    for (const auto& [key, value] : d.items()) {
        const bool words = key == "labels" || key == "driverOpts" || key == "options";
        if (value.is_object() && !words) out[tf_key(key)] = Document::array({tf_block(value)});
        else if (words) out[tf_key(key)] = value;
        else out[tf_key(key)] = tf_block(value);
    }
    return out;
}

} // namespace davit::exports::ecs
