using Microsoft.ML.Data;

namespace $namespace
{
    /// <summary>One image: its class in column 0, its $pixels pixels ($shape, $order) behind it.</summary>
    public class ModelInput
    {
        [LoadColumn(0)]$key_type
        [ColumnName("Label")]
        public $label_type Label { get; set; }

        [LoadColumn(1, $pixels)]
        [VectorType($pixels)]
        [ColumnName("Features")]
        public float[] Features { get; set; }
    }

    /// <summary>A prediction: the key of a class, which is its number plus one, and a score for each class.</summary>
    public class ModelOutput
    {
        [ColumnName("PredictedLabel")]
        public uint PredictedLabel { get; set; }

        [ColumnName("Score")]
        public float[] Score { get; set; }
    }
}
